#include "koi/audio/convert_folder.h"

#include <algorithm>
#include <mutex>
#include <new>
#include <optional>
#include <string_view>

#include "koi/base/error.h"
#include "koi/base/failure_list.h"
#include "koi/base/interrupt.h"
#include "koi/base/leftovers.h"
#include "koi/base/parallel.h"

namespace koi::audio {
namespace {

namespace fs = base::fs;

bool is_hidden(const fs::path& relative) {
  return std::any_of(relative.begin(), relative.end(),
                     [](const fs::path& part) { return part.native().front() == '.'; });
}

// Entries of `input` that `accept` holds for, relative to it, without those below `output`.
base::Listing list_relative(const fs::path& input, const fs::path& output, bool recursive,
                            const std::function<bool(const fs::path&)>& accept) {
  base::Listing listing = base::list_entries(input, accept, recursive);
  const fs::path inside = fs::weakly_canonical(output).lexically_relative(fs::canonical(input));
  const bool nested = !inside.empty() && *inside.begin() != ".." && inside != ".";
  const auto is_output = [&](const fs::path& path) { return nested && lies_in(path, inside); };
  for (fs::path& file : listing.files) file = file.lexically_relative(input);
  for (base::OddEntry& entry : listing.odd) entry.path = entry.path.lexically_relative(input);
  std::erase_if(listing.files, is_output);
  std::erase_if(listing.odd, [&](const auto& entry) { return is_output(entry.path); });
  return listing;
}

void require_shareable(const fs::path& input, const fs::path& output, bool clean) {
  if (clean) {
    throw Error(ErrorKind::usage, "--clean",
                "would delete what the other processes write to " + output.string(),
                "empty the folder before all of them start");
  }
  std::error_code ignored;
  if (fs::equivalent(input, output, ignored)) {
    throw Error(ErrorKind::usage, output.string(),
                "is the recordings' own folder: several processes would each take the others' "
                "results for recordings",
                "choose another folder for the results");
  }
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

void count(const FileResult& result, FolderReport& report) {
  report.audio_s += result.audio_s;
  switch (result.outcome) {
    case FileOutcome::done:
      ++report.done;
      break;
    case FileOutcome::skipped:
      ++report.skipped;
      break;
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
  if (!result.message.empty()) report.problems.push_back(result);
}

// base::Interrupted goes through: the file is neither done nor failed.
FileResult guarded(const fs::path& file, const fs::path& input,
                   const std::function<FileResult()>& convert) {
  try {
    return convert();
  } catch (const base::Interrupted&) {
    throw;
  } catch (const Error& error) {
    return {file, FileOutcome::failed, error.what()};
  } catch (const std::bad_alloc&) {
    const Error error(ErrorKind::io, (input / file).string(), "is too large for the memory",
                      "cut the recording into pieces, or use fewer workers");
    return {file, FileOutcome::failed, error.what()};
  }
}

void sort_problems(FolderReport& report) {
  std::sort(report.problems.begin(), report.problems.end(),
            [](const FileResult& a, const FileResult& b) {
              return base::path_parts_less(a.path, b.path);
            });
}

fs::path without_extension(fs::path path) { return path.replace_extension(); }

}  // namespace

base::Listing list_recordings(const fs::path& input, const fs::path& output, bool recursive) {
  base::Listing listing = list_relative(input, output, recursive, is_audio_path);
  if (listing.files.empty()) {
    throw Error(ErrorKind::not_found, input.string(), "holds no recordings",
                "give a folder with files that end in one of " + audio_extensions());
  }
  return listing;
}

FolderConversion::FolderConversion(fs::path input, fs::path output, const FolderOptions& options)
    : input_(std::move(input)), output_(std::move(output)), options_(options) {
  base::Listing listing = list_recordings(input_, output_, options.recursive);
  recordings_ = std::move(listing.files);
  if (options.share.rank == 0) odd_ = std::move(listing.odd);
  std::vector<fs::path> names;
  for (const fs::path& recording : recordings_) names.push_back(without_extension(recording));
  std::sort(names.begin(), names.end());
  for (size_t i = 1; i < names.size(); ++i) {
    if (names[i] == names[i - 1]) shared_names_.push_back(names[i]);
  }
  recordings_ = options.share.of(std::move(recordings_));
}

Place FolderConversion::place(const fs::path& relative,
                              const std::function<void(AudioInfo&)>& change) const {
  constexpr int64_t kLongSamples = int64_t{1} << 26;
  constexpr uint64_t kLongBytes = uint64_t{1} << 24;  // as many samples, compressed
  Place place{.from = input_ / relative, .to = output_ / relative};
  std::optional<AudioInfo> info = probe_native(place.from);
  place.is_long =
      info ? info->frames > kLongSamples / info->channels : fs::file_size(place.from) > kLongBytes;
  if (info && change) change(*info);
  place.as_wav = !info || !can_write_audio(*info);
  place.format = place.as_wav ? kWav24 : info->format;
  if (place.as_wav && base::lower_extension(relative) != ".wav") {
    require_name_of_its_own(relative);
    place.to.replace_extension(".wav");
  }
  return place;
}

void FolderConversion::require_name_of_its_own(const fs::path& relative) const {
  if (!std::binary_search(shared_names_.begin(), shared_names_.end(), without_extension(relative)))
    return;
  throw Error(ErrorKind::usage, (input_ / relative).string(),
              "another recording has its name, but for the extension, and would be written to the "
              "same place",
              "rename or remove one of them");
}

FileResult FolderConversion::failure(const base::OddEntry& entry) const {
  const Error error(ErrorKind::io, (input_ / entry.path).string(), entry.what);
  return {entry.path, FileOutcome::failed, error.what()};
}

bool FolderConversion::is_finished(const fs::path& to) const {
  std::error_code ignored;
  return !options_.overwrite && fs::is_regular_file(to, ignored);
}

std::unique_lock<std::mutex> FolderConversion::wait_turn(const Place& place) {
  return place.is_long ? std::unique_lock(long_files_) : std::unique_lock<std::mutex>();
}

FolderReport FolderConversion::run(const std::function<FileResult(size_t)>& convert,
                                   const std::function<void(size_t, const FileResult&)>& on_file) {
  if (!options_.share.is_whole()) require_shareable(input_, output_, options_.clean);
  if (options_.clean) clean_folder(input_, output_);
  base::make_folder(output_);
  base::remove_leftovers_below(output_);
  FolderReport report;
  for (const base::OddEntry& entry : odd_) count(failure(entry), report);
  std::mutex report_mutex;
  const size_t cores = base::usable_cores();
  const size_t workers = options_.workers == 0 ? cores : std::min(options_.workers, cores);
  base::parallel_for(recordings_.size(), workers, [&](size_t index) {
    try {
      FileResult result = guarded(recordings_[index], input_, [&] { return convert(index); });
      const std::lock_guard lock(report_mutex);
      count(result, report);
      ++report.recordings;
      on_file(index, result);
    } catch (const base::Interrupted&) {
      // stop_requested() holds: no other file is begun.
    }
  });
  report.interrupted = report.recordings < recordings_.size();
  sort_problems(report);
  return report;
}

void FolderConversion::copy_side_files(FolderReport& report) const {
  const auto is_side_file = [](const fs::path& path) {
    return !is_audio_path(path) && base::lower_extension(path) != ".npy" &&
           !base::is_failure_list(path);
  };
  base::Listing side_files = list_relative(input_, output_, options_.recursive, is_side_file);
  std::erase_if(side_files.files, is_hidden);
  std::erase_if(side_files.odd, [](const auto& entry) { return is_hidden(entry.path); });
  for (const base::OddEntry& entry : side_files.odd) {
    if (options_.share.rank == 0 && entry.kind == base::OddEntry::Kind::no_file)
      count(failure(entry), report);
  }
  const std::vector<fs::path> files = options_.share.of(side_files.files);
  std::mutex report_mutex;
  // Each is waited for until the disk has it: several at once are several times as fast.
  constexpr size_t kAtOnce = 8;
  const size_t begun = base::parallel_for(files.size(), kAtOnce, [&](size_t i) {
    const fs::path from = input_ / files[i], to = output_ / files[i];
    std::error_code ignored;
    if (is_finished(to) || fs::equivalent(from, to, ignored)) return;
    std::optional<Error> failed;
    try {
      copy_recording(from, to);
    } catch (const Error& error) {
      failed = error;
    }
    const std::lock_guard lock(report_mutex);
    if (failed) {
      count({files[i], FileOutcome::failed, failed->what()}, report);
    } else {
      ++report.side_files;
    }
  });
  if (begun < files.size()) report.interrupted = true;
  sort_problems(report);
}

bool lies_in(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first ==
         folder.end();
}

void name_recording(const fs::path& recording, const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    const bool named = std::string_view(error.what()).starts_with(printable(recording.string()));
    if (error.kind() != ErrorKind::unsupported || named) throw;
    throw Error(error.kind(), recording.string(), error.what());
  }
}

void copy_recording(const fs::path& from, const fs::path& to) {
  std::error_code ignored;
  if (fs::equivalent(from, to, ignored)) return;
  base::make_folder(to.parent_path());
  base::write_file(to, base::MappedFile::open(from)->bytes());
}

}  // namespace koi::audio
