#include "koi/check/check_folder.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "koi/base/interrupt.h"
#include "koi/base/parallel.h"
#include "koi/check/compare.h"
#include "koi/check/tree.h"

namespace koi::check {
namespace {

namespace fs = base::fs;

size_t workers_of(const CheckOptions& options) {
  const size_t cores = base::usable_cores();
  return options.workers == 0 ? cores : std::min(options.workers, cores);
}

std::string name_of(const fs::path& root, const fs::path& folder) {
  return folder.empty() ? fs::canonical(root).filename().string() : folder.filename().string();
}

// Recordings in the order of their paths need not stand folder by folder.
void find_speakers(Report& report) {
  std::map<fs::path, size_t> indices;  // in the order of the folders
  for (const Recording& recording : report.recordings)
    indices.emplace(recording.path.parent_path(), 0);
  for (auto& [folder, index] : indices) {
    index = report.speakers.size();
    report.speakers.push_back({.folder = folder, .name = name_of(report.folder, folder)});
  }
  for (Recording& recording : report.recordings)
    recording.speaker = indices.at(recording.path.parent_path());
}

// The recordings with a finding of such a kind.
std::set<size_t> with_finding(const Report& report,
                              const std::function<bool(const KindInfo&)>& wanted) {
  std::set<size_t> recordings;
  for (const Finding& finding : report.findings) {
    if (finding.recording && wanted(info_of(finding.kind))) recordings.insert(*finding.recording);
  }
  return recordings;
}

}  // namespace

Report check_folder(const fs::path& folder, const CheckOptions& options,
                    const std::function<void()>& on_file) {
  Tree tree = walk_tree(folder, options.text_extensions);
  const size_t count = tree.recordings.size();
  Report report{.folder = folder};
  report.recordings.resize(count);
  std::vector<std::vector<Finding>> found(count);
  std::mutex mutex;
  size_t done = 0;
  base::parallel_for(count, workers_of(options), [&](size_t i) {
    try {
      report.recordings[i] = check_recording(folder, tree.recordings[i], options, found[i]);
      const std::lock_guard lock(mutex);
      ++done;
      if (on_file) on_file();
    } catch (const base::Interrupted&) {
      // stop_requested() holds: no other file is begun.
    }
  });
  if (done < count) return {.folder = folder, .interrupted = true};
  report.findings = std::move(tree.findings);
  for (Finding& finding : report.findings) {
    const auto place = std::lower_bound(tree.recordings.begin(), tree.recordings.end(),
                                        finding.path, base::path_parts_less);
    if (place != tree.recordings.end() && *place == finding.path)
      finding.recording = static_cast<size_t>(place - tree.recordings.begin());
  }
  for (size_t i = 0; i < count; ++i) {
    for (Finding& finding : found[i]) {
      finding.recording = i;
      report.findings.push_back(std::move(finding));
    }
  }
  find_speakers(report);
  compare_recordings(report);
  std::sort(report.findings.begin(), report.findings.end(), [](const Finding& a, const Finding& b) {
    return a.kind != b.kind ? a.kind < b.kind : base::path_parts_less(a.path, b.path);
  });
  return report;
}

size_t Report::usable() const {
  const auto is_unusable = [](const KindInfo& info) { return info.unusable; };
  return recordings.size() - with_finding(*this, is_unusable).size();
}

bool Report::harms(After after) const {
  std::set<size_t> left_out;
  if (after == After::fix) {
    left_out =
        with_finding(*this, [](const KindInfo& info) { return info.mending == Mending::left_out; });
  }
  return std::any_of(findings.begin(), findings.end(), [&](const Finding& finding) {
    const KindInfo& info = info_of(finding.kind);
    if (after == After::nothing) return info.harms;
    const bool is_gone = finding.recording && left_out.contains(*finding.recording);
    return info.harms && info.mending == Mending::by_hand && !is_gone;
  });
}

}  // namespace koi::check
