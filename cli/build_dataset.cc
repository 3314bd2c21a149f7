#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/normalize_flag.h"
#include "koi/base/error.h"
#include "koi/base/progress.h"
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

std::string json_summary(const dataset::PackReport& report,
                         const std::vector<dataset::PackFailure>& failures) {
  nlohmann::ordered_json problems = nlohmann::ordered_json::array();
  for (const dataset::PackFailure& failure : failures) {
    problems.push_back({{"path", failure.path}, {"message", failure.reason}});
  }
  const nlohmann::ordered_json object = {
      {"shards", names_of(report.shards)}, {"removed", names_of(report.removed)},
      {"records", report.records},         {"sentences", report.sentences},
      {"frames", report.frames},           {"bytes", report.bytes},
      {"failed", report.failures},         {"problems", std::move(problems)},
  };
  // A file name need not be UTF-8.
  return object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
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
  announce_old_shards(options);

  std::optional<base::Progress> progress;
  uint64_t shown = 0;
  std::vector<dataset::PackFailure> failures;
  const dataset::PackListener listener{[&](const dataset::PackFailure& failure) {
                                         const std::string line =
                                             "koi: left out: " + failure.reason;
                                         if (progress) {
                                           progress->print_line(line);
                                         } else {
                                           std::fprintf(stderr, "%s\n", line.c_str());
                                         }
                                         failures.push_back(failure);
                                       },
                                       [&](uint64_t done, uint64_t total) {
                                         if (!progress)
                                           progress.emplace("build-dataset", "files", total);
                                         progress->advance(done - shown);
                                         shown = done;
                                       }};
  const dataset::PackReport report = dataset::pack_dataset(options, listener);
  progress.reset();

  const std::string text =
      flags.json
          ? json_summary(report, failures)
          : fmt::format("{} sentences of {} speakers in {} shards, {} bytes, {} left out: {}",
                        report.sentences, report.records, report.shards.size(), report.bytes,
                        report.failures, printable(flags.output));
  std::printf("%s\n", text.c_str());
  return report.failures > 0 ? 1 : 0;
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
      "and so on) are replaced as a whole, everything else in it stays.",
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
