// A folder of recordings turned into another one, file by file: what loudness-norm, resample and
// slice have in common.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "koi/audio/audio_file.h"
#include "koi/base/files.h"
#include "koi/base/listing.h"
#include "koi/base/share.h"

namespace koi::audio {

struct FolderOptions {
  bool recursive = true;
  bool overwrite = false;  // do again what is there already
  bool clean = false;      // empty the output folder first
  size_t workers = 0;      // threads; 0 or more than the cores: as many as cores
  base::Share share{};     // of several processes that work on the folder, this one's part
};

enum class FileOutcome {
  done,       // written
  unchanged,  // copied as it is
  left_out,   // nothing was written, as the options ask
  skipped,    // was there already
  failed,     // see `message`
};

struct FileResult {
  base::fs::path path;  // of the recording, relative to the input
  FileOutcome outcome = FileOutcome::done;
  std::string message;  // one line where there is something to say, else empty
  double audio_s = 0;   // of the recording, where it was read
};

struct FolderReport {
  size_t done = 0, unchanged = 0, left_out = 0, skipped = 0;  // recordings
  size_t failed = 0;                                          // recordings and side files
  size_t side_files = 0;             // transcripts and the like that were copied
  bool interrupted = false;          // a signal came; a second run goes on from there
  size_t recordings = 0;             // that were looked at: all, unless interrupted
  double audio_s = 0;                // of those that were read
  std::vector<FileResult> problems;  // those with a message, in the files' order
};

// The recordings of `input`, and what is called like one and is none, relative to it, in the order
// of base::list_files(); nothing below `output` when that lies in `input`. Throws Error(not_found)
// where there is no such folder or no recording in it.
base::Listing list_recordings(const base::fs::path& input, const base::fs::path& output,
                              bool recursive);

// Where a recording goes, and in which format.
struct Place {
  base::fs::path from, to;
  int format = 0;        // libsndfile's code
  bool as_wav = false;   // `to` ends in .wav because its own format cannot be written
  bool is_long = false;  // see FolderConversion::wait_turn()
};

class FolderConversion {
 public:
  // Throws Error(not_found) as list_recordings(). Nothing is written yet.
  FolderConversion(base::fs::path input, base::fs::path output, const FolderOptions& options);

  // Those of this process's share.
  const std::vector<base::fs::path>& recordings() const { return recordings_; }

  // The same relative path in the same format; where libsndfile does not write that, or does not
  // read it, a .wav of 24 bits. `change` alters the header (rate, channels) to what is to be
  // written. Decodes nothing. Throws Error(usage) where another recording would have that .wav too,
  // and as probe_audio().
  Place place(const base::fs::path& relative,
              const std::function<void(AudioInfo&)>& change = {}) const;

  // Throws Error(usage) where another recording differs from this one in its extension only.
  void require_name_of_its_own(const base::fs::path& relative) const;

  // Is the output file there, and not to be made again?
  bool is_finished(const base::fs::path& to) const;

  // Held while a long recording is worked on, one at a time: all workers at once would want tens of
  // gigabytes. Locks nothing for the others.
  std::unique_lock<std::mutex> wait_turn(const Place& place);

  // Calls `convert` for each recording, by its index, on several threads; what it throws as an
  // Error makes the file `failed`, and the others go on. `on_file` is called once a recording, from
  // one thread at a time. stop_requested() ends it after the files in work. What a killed run left
  // half written below `output` goes. Throws Error(usage) where `clean` would delete recordings
  // (`output` is, contains or lies in `input`) or, with a share, what the others write, and where
  // they would find this one's results among the recordings (`output` is `input`); Error(io) where
  // `output` cannot be made. What is called like a recording and is none is `failed` from the
  // beginning, without a call of `on_file`; the first of several processes tells it.
  FolderReport run(const std::function<FileResult(size_t)>& convert,
                   const std::function<void(size_t, const FileResult&)>& on_file);

  // Copies all files of `input` that are no recordings and not hidden (transcripts first of all) to
  // the same places below `output`, this process its share, and counts them and what failed into
  // `report`. Codes (.npy) stay behind: they belong to the audio before; so do lists of failures.
  // What is there already stays, unless `overwrite`.
  void copy_side_files(FolderReport& report) const;

 private:
  FileResult failure(const base::OddEntry& entry) const;

  base::fs::path input_, output_;
  FolderOptions options_;
  std::vector<base::fs::path> recordings_;
  std::vector<base::OddEntry> odd_;
  std::vector<base::fs::path> shared_names_;  // of several recordings, no extension, sorted
  std::mutex long_files_;
};

// Is `path` the folder `folder` or something in it? Both absolute and without links.
bool lies_in(const base::fs::path& path, const base::fs::path& folder);

// Calls `work`; an Error(unsupported) from where only the sound is known is thrown again with the
// name of the recording.
void name_recording(const base::fs::path& recording, const std::function<void()>& work);

// The whole file at another place, whose folder is made. Where both are the same nothing is done.
void copy_recording(const base::fs::path& from, const base::fs::path& to);

}  // namespace koi::audio
