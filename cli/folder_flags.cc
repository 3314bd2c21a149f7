#include "cli/folder_flags.h"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/flags.h"
#include "koi/base/error.h"
#include "koi/base/progress.h"

namespace koi::cli {
namespace {

std::string summary_line(const FolderSummary& summary, const std::string& output) {
  const audio::FolderReport& report = summary.report;
  std::string line =
      fmt::format("{} done, {} skipped, {} failed", report.done, report.skipped, report.failed);
  const auto add = [&line](const std::string& what, size_t count) {
    if (count > 0) line += fmt::format("; {}: {}", what, count);
  };
  add("copied unchanged", report.unchanged);
  add("left out", report.left_out);
  for (const FolderCount& count : summary.counts) add(count.words, count.count);
  add("other files copied", report.side_files);
  return line + "; folder: " + printable(output);
}

std::string json_summary(const FolderSummary& summary, const std::string& output) {
  const audio::FolderReport& report = summary.report;
  nlohmann::ordered_json object = {
      {"output", output},        {"done", report.done},           {"skipped", report.skipped},
      {"failed", report.failed}, {"unchanged", report.unchanged}, {"left_out", report.left_out},
  };
  for (const FolderCount& count : summary.counts) object[count.key] = count.count;
  object["side_files"] = report.side_files;
  object["interrupted"] = report.interrupted;
  object["problems"] = nlohmann::ordered_json::array();
  for (const audio::FileResult& problem : report.problems) {
    object["problems"].push_back({{"path", problem.path.string()}, {"message", problem.message}});
  }
  // A file name need not be UTF-8.
  return object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
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

int run_folder(const std::string& command, const FolderFlags& flags,
               const std::function<FolderSummary(const OnFile&)>& convert) {
  const size_t total =
      audio::list_recordings(flags.input, flags.output, flags.options.recursive).files.size();
  FolderSummary summary;
  std::set<base::fs::path> told;  // problems of recordings, as they come
  {
    base::Progress progress(command, "files", total);
    summary = convert([&](const audio::FileResult& result) {
      progress.advance();
      if (result.message.empty()) return;
      progress.print_line("koi: " + result.message);
      told.insert(result.path);
    });
  }
  for (const audio::FileResult& problem : summary.report.problems) {
    if (!told.contains(problem.path)) std::fprintf(stderr, "koi: %s\n", problem.message.c_str());
  }
  const std::string text =
      flags.json ? json_summary(summary, flags.output) : summary_line(summary, flags.output);
  std::printf("%s\n", text.c_str());
  if (summary.report.interrupted) {
    return report_interrupted(fmt::format(
        "{} of {} recordings are done; the same command{} goes on from here",
        summary.report.recordings, total, flags.options.clean ? " without --clean" : ""));
  }
  return summary.report.failed > 0 ? 1 : 0;
}

}  // namespace koi::cli
