#include "koi/align/align_jobs.h"

#include <algorithm>
#include <mutex>
#include <new>
#include <optional>
#include <set>

#include "koi/audio/convert_folder.h"
#include "koi/base/error.h"
#include "koi/base/interrupt.h"
#include "koi/base/parallel.h"

namespace koi::align {
namespace {

namespace fs = base::fs;

void check_speaker(const std::string& speaker) {
  if (!speaker.empty() && speaker != "." && speaker != ".." &&
      fs::path(speaker).filename() == speaker)
    return;
  throw Error(ErrorKind::usage, "--speaker", "\"" + speaker + "\" is no name of a folder",
              "give a name without slashes");
}

// What ffmpeg reads is not decoded for this: its length is guessed by its size.
double length_of(const fs::path& recording) {
  constexpr double kUsualBytesPerS = 16000;
  try {
    const std::optional<audio::AudioInfo> info = audio::probe_native(recording);
    if (info) return info->duration_s();
  } catch (const Error&) {  // told when its turn comes
    return 1;
  }
  std::error_code error;
  const auto bytes = static_cast<double>(fs::file_size(recording, error));
  return error ? 1 : bytes / kUsualBytesPerS;
}

fs::path text_beside(fs::path recording) {
  for (const char* extension : {".lab", ".txt"}) {
    std::error_code ignored;
    if (fs::is_regular_file(recording.replace_extension(extension), ignored)) return recording;
  }
  return {};
}

class Runner {
 public:
  Runner(const AlignOptions& options, const std::function<void(double)>& on_progress,
         const std::function<void(const Problem&)>& on_problem)
      : options_(options), on_progress_(on_progress), on_problem_(on_problem) {}

  void run(const Job& job) {
    double told = 0;
    const auto tell = [&](double share) {
      const std::lock_guard lock(mutex_);
      on_progress_((share - told) * job.length_s);
      told = share;
    };
    const auto fail = [&](const std::string& message) {
      tell(1);
      const std::lock_guard lock(mutex_);
      report_.problems.push_back({job.recording, message});
      on_problem_(report_.problems.back());
    };
    try {
      if (!job.fault.empty()) throw Error(ErrorKind::io, job.recording.string(), job.fault);
      if (job.text.empty()) {
        throw Error(ErrorKind::not_found, job.recording.string(), "has no transcript beside it",
                    "put its text into a .lab or .txt of its name");
      }
      add(align_recording(job.recording, job.text, job.folder, options_, tell));
    } catch (const base::Interrupted&) {
      // stop_requested() holds: no other recording is begun.
    } catch (const Error& error) {
      fail(error.what());
    } catch (const std::bad_alloc&) {
      fail(Error(ErrorKind::io, job.recording.string(), "is too large for the memory",
                 "use fewer workers, or cut recording and text into parts")
               .what());
    }
  }

  Report report(size_t jobs) {
    Aligned& total = report_.total;
    if (total.text_bytes > 0) total.confidence /= static_cast<double>(total.text_bytes);
    report_.interrupted = report_.done + report_.skipped + report_.problems.size() < jobs;
    std::sort(report_.problems.begin(), report_.problems.end(),
              [](const Problem& a, const Problem& b) {
                return base::path_parts_less(a.recording, b.recording);
              });
    return std::move(report_);
  }

 private:
  void add(const Aligned& one) {
    const std::lock_guard lock(mutex_);
    ++(one.skipped ? report_.skipped : report_.done);
    Aligned& total = report_.total;
    total.clips += one.clips;
    total.clips_s += one.clips_s;
    total.unsure += one.unsure;
    total.unsure_s += one.unsure_s;
    total.unread += one.unread;
    total.confidence += one.confidence * static_cast<double>(one.text_bytes);
    total.text_bytes += one.text_bytes;
  }

  const AlignOptions& options_;
  const std::function<void(double)>& on_progress_;
  const std::function<void(const Problem&)>& on_problem_;
  std::mutex mutex_;
  Report report_;
};

}  // namespace

Job make_job(const fs::path& recording, const fs::path& text, const fs::path& output,
             const std::string& speaker) {
  for (const fs::path& file : {recording, text}) {
    std::error_code ignored;
    if (!file.empty() && !fs::is_regular_file(file, ignored))
      throw Error(ErrorKind::not_found, file.string(), "there is no such file");
  }
  const fs::path parent = fs::absolute(recording).lexically_normal().parent_path();
  const std::string name = speaker.empty() ? parent.filename().string() : speaker;
  check_speaker(name);
  return {recording, text, output / name, length_of(recording)};
}

std::vector<Job> find_jobs(const fs::path& input, const fs::path& output,
                           const std::string& speaker) {
  std::vector<Job> jobs;
  std::set<fs::path> names;
  const base::Listing listing = audio::list_recordings(input, output, /*recursive=*/true);
  for (const base::OddEntry& entry : listing.odd)
    jobs.push_back({input / entry.path, {}, {}, 1, entry.what});
  for (const fs::path& relative : listing.files) {
    const fs::path recording = input / relative;
    jobs.push_back(make_job(recording, text_beside(recording), output, speaker));
    if (names.insert(jobs.back().folder / recording.stem()).second) continue;
    throw Error(ErrorKind::usage, recording.string(),
                "another recording of this speaker has its name, and the clips of both would too",
                "rename or remove one of them");
  }
  return jobs;
}

Report run_jobs(const std::vector<Job>& jobs, const AlignOptions& options, size_t workers,
                const std::function<void(double)>& on_progress,
                const std::function<void(const Problem&)>& on_problem) {
  Runner runner(options, on_progress, on_problem);
  const size_t cores = base::usable_cores();
  base::parallel_for(jobs.size(), workers == 0 ? cores : std::min(workers, cores),
                     [&](size_t index) { runner.run(jobs[index]); });
  return runner.report(jobs.size());
}

}  // namespace koi::align
