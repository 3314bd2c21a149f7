// koi align: long recordings and their transcripts made into clips.
#include <fmt/format.h>

#include <cmath>
#include <memory>

#include "cli/commands.h"
#include "cli/data_report.h"
#include "cli/flags.h"
#include "koi/align/align_jobs.h"
#include "koi/base/error.h"
#include "koi/base/launch.h"
#include "koi/base/progress.h"

namespace koi::cli {
namespace {

struct Flags {
  std::vector<std::string> paths;
  std::string speaker;
  align::AlignOptions options;
  size_t workers = 0;
  bool json = false;
};

DataReport report_of(const align::Report& found, const Flags& flags, const base::Share& share) {
  const align::Aligned& total = found.total;
  DataReport report{.command = "align",
                    .folder = flags.paths.back(),
                    .share = share,
                    .done = found.done,
                    .skipped = found.skipped,
                    .audio_s = total.clips_s + total.unsure_s};
  for (const align::Problem& problem : found.problems)
    report.failures.push_back({problem.recording.string(), problem.message});
  report.words.push_back(fmt::format("{} clips, {:.1f} minutes", total.clips, total.clips_s / 60));
  if (found.done > 0)
    report.words.push_back(fmt::format("mean confidence {:.3f}", total.confidence));
  if (total.unsure > 0) {
    report.words.push_back(
        fmt::format("left out for a confidence under {}: {} clips, {:.1f} minutes ({:.1f} %)",
                    flags.options.least_confidence, total.unsure, total.unsure_s / 60,
                    100 * total.unsure_s / report.audio_s));
  }
  if (total.unread > 0)
    report.words.push_back(fmt::format("texts that were not found: {}", total.unread));
  report.facts = {{"clips", total.clips},           {"clips_s", total.clips_s},
                  {"confidence", total.confidence}, {"left_out", total.unsure},
                  {"left_out_s", total.unsure_s},   {"not_found", total.unread}};
  return report;
}

std::vector<align::Job> jobs_of(const Flags& flags) {
  const std::string& recording = flags.paths.front();
  const bool folder = base::fs::is_directory(recording);
  if (folder && flags.paths.size() == 2)
    return align::find_jobs(recording, flags.paths.back(), flags.speaker);
  if (!folder && flags.paths.size() == 3)
    return {align::make_job(recording, flags.paths[1], flags.paths.back(), flags.speaker)};
  throw Error(ErrorKind::usage, printable(recording),
              folder ? "is a folder, its texts lie beside its recordings"
                     : "is no folder, so that it takes a text",
              folder ? "give FOLDER OUT" : "give RECORDING TEXT OUT");
}

int run(const Flags& flags) {
  const base::Share share = base::read_ranks().share();
  const std::vector<align::Job> all = jobs_of(flags), jobs = share.of(all);
  announce_share(share, all.size());
  double length_s = 0, done_s = 0;
  for (const align::Job& job : jobs) length_s += job.length_s;
  align::Report report;
  {
    base::Progress progress("align", "s of sound", static_cast<uint64_t>(std::ceil(length_s)));
    report = align::run_jobs(
        jobs, flags.options, flags.workers,
        [&](double more_s) {
          const double before_s = done_s;
          done_s += more_s;
          progress.advance(static_cast<uint64_t>(done_s) - static_cast<uint64_t>(before_s));
        },
        [&](const align::Problem& problem) { progress.print_line("koi: " + problem.message); });
  }
  DataReport summary = report_of(report, flags, share);
  if (report.interrupted) {
    summary.interrupted =
        fmt::format("{} of {} recordings are done; the same command goes on from here",
                    report.done + report.skipped, jobs.size());
  }
  return finish(summary, flags.json);
}

}  // namespace

void add_align(CLI::App& app) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* command = add_command(
      app, "align", "Cut long recordings and their transcripts into clips of a sentence or two",
      "  koi align book/chapter1.mp3 book/chapter1.txt data-raw --speaker anna\n"
      "  koi align 낭독 data-raw                    every recording with the .lab or .txt beside "
      "it\n"
      "  koi align book data-raw --min-confidence 0.9 --max-duration 10\n"
      "Writes OUT/SPEAKER/NAME_0001.wav and .lab ... and the table NAME.align.tsv. No recogniser\n"
      "is needed: pauses, punctuation and the rate of speech tell where a sentence ends, and how\n"
      "sure that is. A second run goes on where the first stopped.",
      [flags] { return run(*flags); });
  command
      ->add_option("PATHS", flags->paths,
                   "RECORDING TEXT OUT, or FOLDER OUT for all recordings in a folder")
      ->required()
      ->expected(2, 3);
  command->add_option("--speaker", flags->speaker,
                      "name of the folder in OUT (that of the recording's own folder)");
  command
      ->add_option("--min-confidence", flags->options.least_confidence,
                   "leave out clips that are right with a smaller probability")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  const auto add_length = [command](const char* name, double& value, const char* help) {
    command->add_option(name, value, help)->check(CLI::Range(0.1, 600.0))->capture_default_str();
  };
  add_length("--min-duration", flags->options.clips.shortest_s,
             "seconds; shorter sentences are joined with their neighbours");
  add_length("--max-duration", flags->options.clips.longest_s,
             "seconds; longer sentences are cut at commas where the reader pauses");
  add_switch(command, "overwrite", flags->options.overwrite, "do again what OUT holds already");
  command->add_option("--num-workers", flags->workers, "threads (0: the cores)")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  command->add_flag("--json", flags->json, "print the summary as JSON");
}

}  // namespace koi::cli
