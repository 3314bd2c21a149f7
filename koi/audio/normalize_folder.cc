#include "koi/audio/normalize_folder.h"

#include <algorithm>
#include <mutex>
#include <new>

#include "koi/base/error.h"
#include "koi/base/interrupt.h"
#include "koi/base/parallel.h"

namespace koi::audio {
namespace {

namespace fs = base::fs;

// Is `path` the folder `folder` or something in it? Both absolute and without links.
bool lies_in(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first ==
         folder.end();
}

bool is_hidden(const fs::path& relative) {
  return std::any_of(relative.begin(), relative.end(),
                     [](const fs::path& part) { return part.native().front() == '.'; });
}

// Files of `input` that `accept` holds for, relative to it, without those below `output`.
std::vector<fs::path> list_relative(const fs::path& input, const fs::path& output, bool recursive,
                                    const std::function<bool(const fs::path&)>& accept) {
  std::vector<fs::path> files = base::list_files(input, accept, recursive);
  const fs::path inside = fs::weakly_canonical(output).lexically_relative(fs::canonical(input));
  const bool nested = !inside.empty() && *inside.begin() != ".." && inside != ".";
  std::vector<fs::path> relative;
  for (const fs::path& file : files) {
    fs::path name = file.lexically_relative(input);
    if (!nested || !lies_in(name, inside)) relative.push_back(std::move(name));
  }
  return relative;
}

void clean_folder(const fs::path& input, const fs::path& output) {
  const fs::path from = fs::canonical(input);
  const fs::path to = fs::weakly_canonical(output);
  if (lies_in(to, from) || lies_in(from, to)) {
    throw Error(ErrorKind::usage, "--clean",
                "would delete the recordings: the output folder " + to.string() +
                    " is, contains or lies in the input folder " + from.string(),
                "choose another output folder");
  }
  std::error_code error;
  if (!fs::exists(to, error)) return;
  for (const fs::directory_entry& entry : fs::directory_iterator(to, error)) {
    fs::remove_all(entry.path(), error);
    if (error) break;
  }
  if (error) throw Error(ErrorKind::io, to.string(), "cannot be emptied: " + error.message());
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

bool is_same_place(const fs::path& a, const fs::path& b) {
  std::error_code ignored;
  return fs::equivalent(a, b, ignored);
}

void copy_whole(const fs::path& from, const fs::path& to) {
  base::make_folder(to.parent_path());
  base::write_file(to, base::MappedFile::open(from)->bytes());
}

class Job {
 public:
  Job(const fs::path& input, const fs::path& output, const NormalizeOptions& options)
      : input_(input), output_(output), options_(options) {}

  // One recording; never throws an Error.
  FileResult run(const fs::path& relative) {
    FileResult result;
    result.path = relative;
    try {
      if (is_there(output_ / relative) && !options_.overwrite) {
        result.outcome = FileOutcome::skipped;
      } else {
        normalize(relative, result);
      }
    } catch (const Error& error) {
      result.outcome = FileOutcome::failed;
      result.message = error.what();
    } catch (const std::bad_alloc&) {
      result.outcome = FileOutcome::failed;
      result.message =
          Error(ErrorKind::io, (input_ / relative).string(), "is too large for the memory",
                "cut the recording into pieces, or use fewer workers")
              .what();
    }
    return result;
  }

 private:
  void normalize(const fs::path& relative, FileResult& result) {
    const fs::path from = input_ / relative;
    const fs::path to = output_ / relative;
    const AudioInfo info = probe_audio(from);
    // Long recordings one at a time: all workers at once would want tens of gigabytes.
    constexpr int64_t kLongSamples = int64_t{1} << 26;
    std::unique_lock<std::mutex> alone(long_files_, std::defer_lock);
    if (info.frames > kLongSamples / info.channels) alone.lock();
    Audio<double> audio = read_audio<double>(from);
    try {
      result.change = normalize_loudness(audio, options_.loudness);
    } catch (const Error& error) {
      throw Error(error.kind(), from.string(), error.what());
    }
    if (result.change.outcome != LoudnessOutcome::normalized) {
      keep_bad(from, to, result);
      return;
    }
    const int format = options_.loudness.meter.meter == Meter::pyloudnorm
                           ? reference_format(info.format)
                           : info.format;
    result.clipped = result.change.full_scale_samples > 0 && format_clips(format);
    base::make_folder(to.parent_path());
    write_audio(to, audio, format);
  }

  void keep_bad(const fs::path& from, const fs::path& to, FileResult& result) const {
    const std::string what = result.change.outcome == LoudnessOutcome::silent
                                 ? "is silent"
                                 : "is too short to be measured";
    result.outcome = options_.skip_bad ? FileOutcome::left_out : FileOutcome::unchanged;
    result.message = printable(
        from.string() + ": " + what +
        (options_.skip_bad ? ", left out" : ", copied unchanged; --skip-bad leaves it out"));
    // In place there is nothing to copy.
    if (!options_.skip_bad && !is_same_place(from, to)) copy_whole(from, to);
  }

  const fs::path& input_;
  const fs::path& output_;
  const NormalizeOptions& options_;
  std::mutex long_files_;
};

void count(const FileResult& result, NormalizeReport& report) {
  switch (result.outcome) {
    case FileOutcome::done:
      ++report.done;
      report.clipped += result.clipped ? 1 : 0;
      report.limited += result.change.limited ? 1 : 0;
      return;
    case FileOutcome::skipped:
      ++report.skipped;
      return;
    case FileOutcome::unchanged:
      ++report.unchanged;
      break;
    case FileOutcome::left_out:
      ++report.left_out;
      break;
    case FileOutcome::failed:
      ++report.failed;
      break;
  }
  report.problems.push_back(result);
}

// Copies what stands beside the recordings.
void copy_side_files(const fs::path& input, const fs::path& output, const NormalizeOptions& options,
                     NormalizeReport& report) {
  const auto is_side_file = [](const fs::path& path) {
    return !is_audio_path(path) && base::lower_extension(path) != ".npy";
  };
  for (const fs::path& relative : list_relative(input, output, options.recursive, is_side_file)) {
    if (base::stop_requested()) return;  // the recordings' loop says so
    const fs::path to = output / relative;
    if (is_hidden(relative) || (is_there(to) && !options.overwrite) ||
        is_same_place(input / relative, to)) {
      continue;
    }
    try {
      copy_whole(input / relative, to);
      ++report.side_files;
    } catch (const Error& error) {
      count({relative, FileOutcome::failed, {}, false, error.what()}, report);
    }
  }
}

}  // namespace

std::vector<fs::path> list_recordings(const fs::path& input, const fs::path& output,
                                      bool recursive) {
  std::vector<fs::path> files = list_relative(input, output, recursive, is_audio_path);
  if (files.empty()) {
    throw Error(ErrorKind::not_found, input.string(), "holds no recordings",
                "give a folder with files that end in one of " + audio_extensions());
  }
  return files;
}

NormalizeReport normalize_folder(const fs::path& input, const fs::path& output,
                                 const NormalizeOptions& options,
                                 const std::function<void(const FileResult&)>& on_file) {
  const std::vector<fs::path> files = list_recordings(input, output, options.recursive);
  check_loudness_options(options.loudness);
  if (options.clean) clean_folder(input, output);
  base::make_folder(output);
  NormalizeReport report;
  copy_side_files(input, output, options, report);
  Job job(input, output, options);
  std::mutex report_mutex;
  const size_t cores = base::usable_cores();
  const size_t workers = options.workers == 0 ? cores : std::min(options.workers, cores);
  const size_t handed_out = base::parallel_for(files.size(), workers, [&](size_t index) {
    const FileResult result = job.run(files[index]);
    const std::lock_guard lock(report_mutex);
    count(result, report);
    if (on_file) on_file(result);
  });
  report.recordings = handed_out;
  report.interrupted = handed_out < files.size();
  std::sort(report.problems.begin(), report.problems.end(),
            [](const FileResult& a, const FileResult& b) {
              return base::path_parts_less(a.path, b.path);
            });
  return report;
}

}  // namespace koi::audio
