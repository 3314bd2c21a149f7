#include "cli/data_report.h"

#include <fmt/format.h>

#include <cstdio>

#include "cli/flags.h"
#include "koi/base/error.h"
#include "koi/base/progress.h"

namespace koi::cli {
namespace {

std::string text_of(const DataReport& report, const base::fs::path& list) {
  std::string line = fmt::format("{} done, {} skipped, {} failed", report.done, report.skipped,
                                 report.failures.size());
  std::string reasons;
  for (const auto& [reason, count] : base::count_reasons(report.failures))
    reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", reason, count);
  if (!reasons.empty()) line += " (" + reasons + ")";
  if (report.audio_s > 0) line += "; " + base::format_duration(report.audio_s) + " of audio";
  for (const std::string& words : report.words) line += "; " + words;
  line += "; folder: " + printable(report.folder.string());
  if (!list.empty()) line += "; list of failures: " + printable(list.string());
  return line;
}

std::string json_of(const DataReport& report, const base::fs::path& list) {
  nlohmann::ordered_json object = {{"output", report.folder.string()},
                                   {"done", report.done},
                                   {"skipped", report.skipped},
                                   {"failed", report.failures.size()}};
  object["failed_by_reason"] = nlohmann::ordered_json::object();
  for (const auto& [reason, count] : base::count_reasons(report.failures))
    object["failed_by_reason"][reason] = count;
  object["failure_list"] = list.string();
  object["audio_s"] = report.audio_s;
  object["rank"] = report.share.rank;
  object["ranks"] = report.share.ranks;
  object["interrupted"] = !report.interrupted.empty();
  object.update(report.facts);
  object["problems"] = nlohmann::ordered_json::array();
  for (const auto* some : {&report.failures, &report.remarks}) {
    for (const base::Failure& problem : *some)
      object["problems"].push_back({{"path", problem.path}, {"message", problem.message}});
  }
  // A file name need not be UTF-8.
  return object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

// The failures were told one by one already: that they cannot be listed is no reason to tell less.
base::fs::path write_list(const DataReport& report) {
  if (report.goes_on || (!report.interrupted.empty() && report.failures.empty())) return {};
  try {
    return base::write_failure_list(report.folder, report.command, report.share, report.failures);
  } catch (const Error& error) {
    std::fprintf(stderr, "koi: warning: %s\n", error.what());
    return {};
  }
}

}  // namespace

int finish(const DataReport& report, bool as_json) {
  const base::fs::path list = write_list(report);
  std::printf("%s\n", (as_json ? json_of(report, list) : text_of(report, list)).c_str());
  if (!report.interrupted.empty()) return report_interrupted(report.interrupted);
  return report.failures.empty() ? 0 : 1;
}

void announce_share(const base::Share& share, size_t total) {
  if (share.is_whole()) return;
  std::fprintf(stderr, "koi: rank %zu of %zu: %zu of %zu files\n", share.rank, share.ranks,
               share.size_of(total), total);
}

}  // namespace koi::cli
