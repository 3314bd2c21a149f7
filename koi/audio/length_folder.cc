#include "koi/audio/length_folder.h"

#include <algorithm>
#include <mutex>
#include <optional>

#include "koi/audio/audio_file.h"
#include "koi/audio/convert_folder.h"
#include "koi/base/error.h"
#include "koi/base/interrupt.h"
#include "koi/base/parallel.h"

namespace koi::audio {
namespace {

RecordingLength measure(const base::fs::path& folder, const base::fs::path& relative,
                        bool accurate) {
  RecordingLength length{.path = relative};
  try {
    if (accurate) {
      const Audio<float> audio = read_audio<float>(folder / relative);
      length.duration_s = audio.duration_s();
      length.sample_rate_hz = audio.sample_rate_hz;
    } else {
      const AudioInfo info = probe_audio(folder / relative);
      length.duration_s = info.duration_s();
      length.sample_rate_hz = info.sample_rate_hz;
    }
  } catch (const base::Interrupted&) {
    throw;
  } catch (const Error& error) {
    length.problem = error.what();
  }
  return length;
}

}  // namespace

LengthReport measure_lengths(const base::fs::path& folder, const LengthOptions& options,
                             const std::function<void(const RecordingLength&)>& on_file) {
  const base::Listing listing = list_recordings(folder, folder, options.recursive);
  const std::vector<base::fs::path>& files = listing.files;
  std::vector<std::optional<RecordingLength>> lengths(files.size());
  std::mutex on_file_mutex;
  const size_t workers = std::min(options.workers, base::usable_cores());
  base::parallel_for(files.size(), workers, [&](size_t i) {
    try {
      lengths[i] = measure(folder, files[i], options.accurate);
      const std::lock_guard lock(on_file_mutex);
      if (on_file) on_file(*lengths[i]);
    } catch (const base::Interrupted&) {
      // stop_requested() holds: no other file is begun.
    }
  });
  LengthReport report;
  for (std::optional<RecordingLength>& length : lengths) {
    if (length) report.recordings.push_back(std::move(*length));
  }
  report.interrupted = report.recordings.size() < files.size();
  for (const base::OddEntry& entry : listing.odd) {
    const Error error(ErrorKind::io, (folder / entry.path).string(), entry.what);
    report.recordings.push_back({.path = entry.path, .problem = error.what()});
    if (on_file) on_file(report.recordings.back());
  }
  return report;
}

LengthSummary summarize(const std::vector<RecordingLength>& recordings) {
  LengthSummary summary;
  double rates = 0;
  for (const RecordingLength& recording : recordings) {
    if (!recording.problem.empty()) continue;
    const double seconds = recording.duration_s;
    summary.shortest_s = summary.count == 0 ? seconds : std::min(summary.shortest_s, seconds);
    summary.longest_s = std::max(summary.longest_s, seconds);
    summary.total_s += seconds;
    rates += recording.sample_rate_hz;
    ++summary.count;
  }
  if (summary.count > 0) {
    summary.mean_s = summary.total_s / static_cast<double>(summary.count);
    summary.mean_rate_hz = rates / static_cast<double>(summary.count);
  }
  return summary;
}

}  // namespace koi::audio
