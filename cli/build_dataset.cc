#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/data_report.h"
#include "cli/flags.h"
#include "cli/normalize_flag.h"
#include "koi/base/error.h"
#include "koi/base/launch.h"
#include "koi/base/progress.h"
#include "koi/checkpoint/describe.h"
#include "koi/dataset/pack.h"

namespace koi::cli {
namespace {

namespace fs = base::fs;

struct Flags {
  dataset::PackOptions options;
  std::vector<std::string> inputs;
  std::vector<std::string> lists;
  std::string output = options.output.string();
  bool reference_rules = false;
  bool json = false;
};

std::vector<std::string> names_of(const std::vector<fs::path>& paths) {
  std::vector<std::string> names;
  for (const fs::path& path : paths) names.push_back(path.string());
  return names;
}

DataReport report_of(const dataset::PackReport& packed, const dataset::PackOptions& options) {
  DataReport report{.command = "build-dataset",
                    .folder = options.output,
                    .share = options.share,
                    .done = packed.sentences,
                    .audio_s = static_cast<double>(packed.frames) * checkpoint::kFrameSeconds};
  if (packed.is_part) {
    report.goes_on = true;
    report.words = {
        fmt::format("part {} of {} is packed", options.share.rank + 1, options.share.ranks),
        packed.missing_parts > 0
            ? fmt::format("{} still to come, the last process makes the shards",
                          packed.missing_parts)
            : "another process makes the shards"};
  } else {
    report.share = {};  // it reports for all
    report.words = {fmt::format("{} speakers in {} shards, {} bytes", packed.records,
                                packed.shards.size(), packed.bytes)};
  }
  report.facts = {{"shards", names_of(packed.shards)}, {"removed", names_of(packed.removed)},
                  {"records", packed.records},         {"sentences", packed.sentences},
                  {"frames", packed.frames},           {"bytes", packed.bytes},
                  {"is_part", packed.is_part},         {"missing_parts", packed.missing_parts}};
  return report;
}

// What happens to shards that are in the output already, before it happens.
void announce_old_shards(const dataset::PackOptions& options) {
  if (options.rules == dataset::TextRules::repaired) {
    for (const fs::path& path : dataset::stale_shards(options.output))
      std::fprintf(stderr, "koi: will replace the old shard %s\n",
                   printable(path.string()).c_str());
  }
  for (const fs::path& path : dataset::foreign_shards(options.output)) {
    std::fprintf(stderr, "koi: warning: %s stays, training would read it too\n",
                 printable(path.string()).c_str());
  }
}

int run(Flags flags) {
  dataset::PackOptions& options = flags.options;
  options.inputs.assign(flags.inputs.begin(), flags.inputs.end());
  options.inputs.insert(options.inputs.end(), flags.lists.begin(), flags.lists.end());
  options.output = flags.output;
  if (flags.reference_rules) options.rules = dataset::TextRules::reference;
  options.share = base::read_ranks().share();
  if (options.share.rank == 0) announce_old_shards(options);

  std::optional<base::Progress> progress;
  std::vector<base::Failure> failures;
  uint64_t shown = 0, frames_shown = 0;
  const dataset::PackListener listener{
      [&](const dataset::PackFailure& failure) {
        const std::string line = "koi: left out: " + failure.reason;
        if (progress) {
          progress->print_line(line);
        } else {
          std::fprintf(stderr, "%s\n", line.c_str());
        }
        failures.push_back({failure.path, failure.reason});
      },
      [&](uint64_t done, uint64_t total, uint64_t frames) {
        if (!progress) progress.emplace("build-dataset", "files", total);
        progress->add_audio(static_cast<double>(frames - frames_shown) * checkpoint::kFrameSeconds);
        progress->advance(done - shown);
        shown = done;
        frames_shown = frames;
      }};
  const dataset::PackReport packed = dataset::pack_dataset(options, listener);
  progress.reset();
  DataReport report = report_of(packed, options);
  report.failures = std::move(failures);
  return finish(report, flags.json);
}

}  // namespace

void add_build_dataset(CLI::App& app) {
  const auto flags = std::make_shared<Flags>();
  dataset::PackOptions& options = flags->options;
  CLI::App* command = add_command(
      app, "build-dataset", "Pack codes and transcripts into shards for training",
      "  koi build-dataset --input data --output data/protos --text-extension .lab\n"
      "  koi build-dataset --filelist train.list --output data/protos\n"
      "  koi build-dataset --input data --output data/protos --text-extension .lab --normalize "
      "auto\n"
      "Each folder is a speaker, named after it; beside x.npy (koi extract-vq) stands x.lab.\n"
      "A file list has lines path|speaker|language|text. Files that cannot be packed are reported\n"
      "and left out, and the exit status is 1. The shards in the output folder (00000000.protos\n"
      "and so on) are replaced as a whole, everything else in it stays.\n"
      "Started several times by torchrun, srun or mpirun, each process packs its part, and the "
      "last\n"
      "one makes the shards.",
      [flags] { return run(*flags); });
  command->add_option("--input", flags->inputs, "folder or file list; may be given several times");
  command->add_option("--filelist", flags->lists, "file list; the same as --input");
  command->add_option("--output", flags->output, "folder for the shards")->capture_default_str();
  command
      ->add_option("--text-extension", options.text_extensions,
                   "of the transcripts; several: several spellings of each sentence")
      ->capture_default_str();
  command->add_option("--num-workers", options.num_workers, "threads, at most the cores")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--shard-size", options.shard_size_mib, "MiB behind which a shard ends")
      ->check(CLI::Range(uint64_t{0}, uint64_t{1} << 20).description(""))
      ->capture_default_str();
  add_normalize(command, options.numbers);
  command->add_flag("--reference-rules", flags->reference_rules,
                    "the reference's bytes, its faults with texts and old shards too");
  command->add_flag("--json", flags->json, "print the summary as JSON");
}

}  // namespace koi::cli
