#include "koi/dataset/split.h"

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.h"
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

std::string json_of(const dataset::SplitReport& report,
                    const std::vector<dataset::LeftOut>& left_out) {
  nlohmann::ordered_json problems = nlohmann::ordered_json::array();
  for (const dataset::LeftOut& bad : left_out)
    problems.push_back({{"path", bad.where}, {"message", bad.reason}});
  const nlohmann::ordered_json object = {{"train", report.train},
                                         {"validation", report.validation},
                                         {"train_list", report.train_list.string()},
                                         {"validation_list", report.validation_list.string()},
                                         {"too_short", report.too_short},
                                         {"too_long", report.too_long},
                                         {"failed", problems.size()},
                                         {"problems", problems}};
  // A file name need not be UTF-8.
  return object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string text_of(const dataset::SplitReport& report, size_t left_out) {
  std::string line =
      fmt::format("{} for training: {}; {} for validation: {}; {} left out", report.train,
                  printable(report.train_list.string()), report.validation,
                  printable(report.validation_list.string()), left_out);
  if (report.too_short > 0) line += fmt::format("; too short: {}", report.too_short);
  if (report.too_long > 0) line += fmt::format("; too long: {}", report.too_long);
  return line;
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
    return audio::probe_audio(recording).duration_s();
  };
  const dataset::SplitReport report =
      dataset::write_split(flags.root, std::move(entries), flags.options, duration_s, note);
  progress.reset();
  const std::string text =
      flags.json ? json_of(report, left_out) : text_of(report, left_out.size());
  std::printf("%s\n", text.c_str());
  return left_out.empty() ? 0 : 1;
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
