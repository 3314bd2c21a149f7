#include "koi/dataset/split.h"

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <optional>

#include "cli/commands.h"
#include "cli/data_report.h"
#include "cli/flags.h"
#include "koi/audio/convert_folder.h"
#include "koi/base/error.h"
#include "koi/base/progress.h"

namespace koi::cli {
namespace {

namespace fs = base::fs;

struct Flags {
  std::string root;
  std::string filelist;
  dataset::SplitOptions options;
  bool json = false;
};

std::vector<fs::path> recordings_of(const fs::path& root, const dataset::LeftOutSink& left_out) {
  base::Listing listing = audio::list_recordings(root, root, /*recursive=*/true);
  for (const base::OddEntry& entry : listing.odd) {
    const std::string path = (root / entry.path).string();
    left_out({path, Error(ErrorKind::io, path, entry.what).what()});
  }
  for (fs::path& recording : listing.files) recording = root / recording;
  return std::move(listing.files);
}

DataReport report_of(const dataset::SplitReport& split,
                     const std::vector<dataset::LeftOut>& left_out, const std::string& root) {
  DataReport report{.command = "split", .folder = root, .done = split.train + split.validation};
  for (const dataset::LeftOut& bad : left_out) report.failures.push_back({bad.where, bad.reason});
  report.words = {
      fmt::format("for training: {} in {}", split.train, printable(split.train_list.string())),
      fmt::format("for validation: {} in {}", split.validation,
                  printable(split.validation_list.string()))};
  if (split.too_short > 0) report.words.push_back(fmt::format("too short: {}", split.too_short));
  if (split.too_long > 0) report.words.push_back(fmt::format("too long: {}", split.too_long));
  report.facts = {{"train", split.train},
                  {"validation", split.validation},
                  {"train_list", split.train_list.string()},
                  {"validation_list", split.validation_list.string()},
                  {"too_short", split.too_short},
                  {"too_long", split.too_long}};
  return report;
}

int run(const Flags& flags) {
  std::vector<dataset::LeftOut> left_out;
  const auto note = [&left_out](const dataset::LeftOut& bad) {
    std::fprintf(stderr, "koi: left out: %s\n", bad.reason.c_str());
    left_out.push_back(bad);
  };
  std::vector<dataset::SplitEntry> entries =
      flags.filelist.empty()
          ? dataset::split_entries(recordings_of(flags.root, note), flags.options, note)
          : dataset::split_entries(fs::path(flags.filelist), note);
  std::optional<base::Progress> progress;  // where recordings are measured
  if (flags.options.min_duration_s || flags.options.max_duration_s)
    progress.emplace("split", "files", entries.size());
  const auto duration_s = [&progress](const fs::path& recording) {
    progress->advance();
    const double seconds = audio::probe_audio(recording).duration_s();
    progress->add_audio(seconds);
    return seconds;
  };
  const dataset::SplitReport split =
      dataset::write_split(flags.root, std::move(entries), flags.options, duration_s, note);
  progress.reset();
  return finish(report_of(split, left_out, flags.root), flags.json);
}

}  // namespace

void add_split(CLI::App& app) {
  const auto flags = std::make_shared<Flags>();
  dataset::SplitOptions& options = flags->options;
  CLI::App* command = add_command(
      app, "split", "Part recordings into lists for training and for validation",
      "  koi split data\n"
      "  koi split data --val-ratio 0.05 --min-duration 1 --max-duration 20\n"
      "  koi extract-vq data --filelist data/vq_train_filelist.txt\n"
      "  koi build-dataset --filelist data/vq_train_filelist.txt --output data/protos\n"
      "All recordings of one text are on the same side. Recordings without words are named and in\n"
      "neither list; the status is then 1.",
      [flags] { return run(*flags); });
  command->add_option("ROOT", flags->root, "folder of recordings and transcripts")->required();
  command->add_option("--val-ratio", options.ratio, "share for validation, 0 to below 1 (0.2)");
  command->add_option("--val-count", options.count,
                      "recordings for validation (a fifth, at most 100)");
  command->add_option("--filelist", flags->filelist,
                      "take these instead: lines path|speaker|language|text");
  command
      ->add_option("--text-extension", options.text_extensions,
                   "of the transcripts; of several the first that is there")
      ->capture_default_str();
  command->add_option("--min-duration", options.min_duration_s, "leave shorter ones out, seconds");
  command->add_option("--max-duration", options.max_duration_s, "leave longer ones out, seconds");
  command->add_flag("--json", flags->json, "print the summary as JSON");
}

}  // namespace koi::cli
