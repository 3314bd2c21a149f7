#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/flags.h"
#include "koi/audio/normalize_folder.h"
#include "koi/base/error.h"
#include "koi/base/progress.h"

namespace koi::cli {
namespace {

struct Flags {
  std::string input;
  std::string output;
  std::string meter = "ebur128";
  audio::NormalizeOptions options;
  bool json = false;
};

std::string summary(const audio::NormalizeReport& report, const std::string& output) {
  std::string line =
      fmt::format("{} done, {} skipped, {} failed", report.done, report.skipped, report.failed);
  const auto add = [&line](const char* what, size_t count) {
    if (count > 0) line += fmt::format("; {}: {}", what, count);
  };
  add("copied unchanged", report.unchanged);
  add("left out", report.left_out);
  add("quieter than the target for --true-peak", report.limited);
  add("cut off at full scale, which --true-peak -1 prevents", report.clipped);
  add("other files copied", report.side_files);
  return line + "; folder: " + printable(output);
}

std::string json_summary(const audio::NormalizeReport& report, const std::string& output) {
  nlohmann::ordered_json problems = nlohmann::ordered_json::array();
  for (const audio::FileResult& problem : report.problems) {
    problems.push_back({{"path", problem.path.string()}, {"message", problem.message}});
  }
  const nlohmann::ordered_json object = {
      {"output", output},
      {"done", report.done},
      {"skipped", report.skipped},
      {"failed", report.failed},
      {"unchanged", report.unchanged},
      {"left_out", report.left_out},
      {"limited", report.limited},
      {"clipped", report.clipped},
      {"side_files", report.side_files},
      {"interrupted", report.interrupted},
      {"problems", std::move(problems)},
  };
  // A file name need not be UTF-8.
  return object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

int run(const Flags& flags) {
  const size_t total =
      audio::list_recordings(flags.input, flags.output, flags.options.recursive).size();
  audio::NormalizeReport report;
  {
    base::Progress progress("loudness-norm", "files", total);
    report = audio::normalize_folder(flags.input, flags.output, flags.options,
                                     [&progress](const audio::FileResult& result) {
                                       progress.advance();
                                       if (!result.message.empty())
                                         progress.print_line("koi: " + result.message);
                                     });
  }
  const std::string text =
      flags.json ? json_summary(report, flags.output) : summary(report, flags.output);
  std::printf("%s\n", text.c_str());
  if (report.interrupted) {
    return report_interrupted(
        fmt::format("{} of {} recordings are done; the same command{} goes on from here",
                    report.recordings, total, flags.options.clean ? " without --clean" : ""));
  }
  return report.failed > 0 ? 1 : 0;
}

}  // namespace

void add_loudness_norm(CLI::App& app) {
  const auto flags = std::make_shared<Flags>();
  audio::NormalizeOptions& options = flags->options;
  CLI::App* command = add_command(
      app, "loudness-norm", "Bring all recordings of a folder to one loudness",
      "  koi loudness-norm data-raw data --clean\n"
      "  koi loudness-norm data-raw data --loudness -20 --true-peak -1\n"
      "  koi loudness-norm data-raw data --meter pyloudnorm   the reference's samples\n"
      "Transcripts and other files come along. A second run goes on where the first stopped.",
      [flags] {
        if (flags->meter == "pyloudnorm")
          flags->options.loudness.meter.meter = audio::Meter::pyloudnorm;
        return run(*flags);
      });
  command->add_option("IN", flags->input, "folder of recordings")->required();
  command->add_option("OUT", flags->output, "folder for the results")->required();
  add_switch(command, "recursive", options.recursive, "folders below IN too");
  add_switch(command, "overwrite", options.overwrite, "do again what OUT holds already");
  add_switch(command, "clean", options.clean, "delete what OUT holds first");
  add_switch(command, "skip-bad", options.skip_bad,
             "leave silent and too short recordings out; else they are copied unchanged");
  audio::LoudnessOptions& loudness = options.loudness;
  command->add_option("--peak", loudness.peak_db, "highest sample before measuring, dBFS")
      ->capture_default_str();
  command->add_option("--loudness", loudness.loudness_lufs, "target, LUFS")->capture_default_str();
  command->add_option("--true-peak", loudness.true_peak_db,
                      "highest true peak, dBTP; lowers the gain where it is passed (no limit)");
  command
      ->add_option("--block-size", loudness.meter.block_s,
                   "seconds; other than 0.4 only with --meter pyloudnorm")
      ->capture_default_str();
  command
      ->add_option("--meter", flags->meter,
                   "ebur128 (BS.1770-4) or pyloudnorm (as the reference, 16 bits)")
      ->check(CLI::IsMember({"ebur128", "pyloudnorm"}))
      ->capture_default_str();
  command->add_option("--num-workers", options.workers, "threads (0: the cores)")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  command->add_flag("--json", flags->json, "print the summary as JSON");
}

}  // namespace koi::cli
