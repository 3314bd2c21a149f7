#include "cli/folder_flags.h"

#include <fmt/format.h>

#include <cstdio>
#include <set>

#include "cli/data_report.h"
#include "cli/flags.h"
#include "koi/base/launch.h"
#include "koi/base/progress.h"

namespace koi::cli {
namespace {

DataReport report_of(const FolderSummary& summary, const FolderFlags& flags) {
  const audio::FolderReport& folder = summary.report;
  DataReport report{.folder = flags.output,
                    .share = flags.options.share,
                    .done = folder.done,
                    .skipped = folder.skipped,
                    .audio_s = folder.audio_s};
  for (const audio::FileResult& problem : folder.problems) {
    const bool failed = problem.outcome == audio::FileOutcome::failed;
    (failed ? report.failures : report.remarks).push_back({problem.path.string(), problem.message});
  }
  const auto add = [&report](const FolderCount& count) {
    report.facts[count.key] = count.count;
    if (count.count > 0) report.words.push_back(fmt::format("{}: {}", count.words, count.count));
  };
  add({"unchanged", "copied unchanged", folder.unchanged});
  add({"left_out", "left out", folder.left_out});
  for (const FolderCount& count : summary.counts) add(count);
  add({"side_files", "other files copied", folder.side_files});
  return report;
}

}  // namespace

void FolderFlags::add_to(CLI::App* command) {
  command->add_option("IN", input, "folder of recordings")->required();
  command->add_option("OUT", output, "folder for the results")->required();
  add_switch(command, "recursive", options.recursive, "folders below IN too");
  add_switch(command, "overwrite", options.overwrite, "do again what OUT holds already");
  add_switch(command, "clean", options.clean, "delete what OUT holds first");
  command->add_option("--num-workers", options.workers, "threads (0: the cores)")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  command->add_flag("--json", json, "print the summary as JSON");
}

int run_folder(const std::string& command, FolderFlags& flags,
               const std::function<FolderSummary(const OnFile&)>& convert) {
  const base::Share share = flags.options.share = base::read_ranks().share();
  const size_t all =
      audio::list_recordings(flags.input, flags.output, flags.options.recursive).files.size();
  announce_share(share, all);
  const size_t total = share.size_of(all);
  FolderSummary summary;
  std::set<base::fs::path> told;  // problems of recordings, as they come
  {
    base::Progress progress(command, "files", total);
    summary = convert([&](const audio::FileResult& result) {
      progress.add_audio(result.audio_s);
      progress.advance();
      if (result.message.empty()) return;
      progress.print_line("koi: " + result.message);
      told.insert(result.path);
    });
  }
  for (const audio::FileResult& problem : summary.report.problems) {
    if (!told.contains(problem.path)) std::fprintf(stderr, "koi: %s\n", problem.message.c_str());
  }
  DataReport report = report_of(summary, flags);
  report.command = command;
  if (summary.report.interrupted) {
    report.interrupted = fmt::format(
        "{} of {} recordings are done; the same command{} goes on from here",
        summary.report.recordings, total, flags.options.clean ? " without --clean" : "");
  }
  return finish(report, flags.json);
}

}  // namespace koi::cli
