// A folder of recordings brought to one loudness: what `koi loudness-norm` does.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "koi/audio/loudness.h"
#include "koi/base/files.h"

namespace koi::audio {

struct NormalizeOptions {
  LoudnessOptions loudness{};
  bool recursive = true;
  bool overwrite = false;  // do again what is there already
  bool clean = false;      // empty the output folder first
  bool skip_bad = false;   // leave silent and too short recordings out instead of copying them
  size_t workers = 0;      // threads; 0 or more than the cores: as many as cores
};

enum class FileOutcome {
  done,       // written at the new loudness
  unchanged,  // silent or too short: copied as it is
  left_out,   // silent or too short, with skip_bad
  skipped,    // was there already
  failed,     // see `message`
};

struct FileResult {
  base::fs::path path;  // relative to both folders
  FileOutcome outcome = FileOutcome::done;
  LoudnessChange change;  // of a file that is done
  bool clipped = false;   // samples passed full scale and were cut off
  std::string message;    // one line where there is something to say, else empty
};

struct NormalizeReport {
  size_t done = 0, unchanged = 0, left_out = 0, skipped = 0;  // recordings
  size_t failed = 0;                                          // recordings and side files
  size_t clipped = 0;        // of those done: cut off at full scale
  size_t limited = 0;        // of those done: quieter than the target because of the true peak
  size_t side_files = 0;     // transcripts and the like that were copied
  bool interrupted = false;  // a signal came; a second run goes on from there
  size_t recordings = 0;     // that were looked at: all, unless interrupted
  std::vector<FileResult> problems;  // unchanged, left out and failed ones, in the files' order
};

// The recordings that normalize_folder() will look at, relative to `input`, in the order of
// base::list_files(); nothing below `output` when that lies in `input`. Throws Error(not_found)
// where there is no such folder or no recording in it.
std::vector<base::fs::path> list_recordings(const base::fs::path& input,
                                            const base::fs::path& output, bool recursive);

// Writes each recording of `input` to the same relative path below `output`, same container and
// encoding, and copies all other files (transcripts first of all) that are not hidden. Codes
// (.npy) stay behind: they belong to the audio before. Each file is written whole or not at all,
// and what is there already is skipped, so that a second run goes on where the first stopped. A
// file that cannot be read or written is `failed`; the others go on. `on_file` is called once a
// recording, from one thread at a time. stop_requested() ends it after the files in work.
// Throws Error(usage) for wrong options and where `clean` would delete recordings (`output` is,
// contains or lies in `input`), Error(not_found) as list_recordings(), Error(io) where `output`
// cannot be made.
// Differs: the reference copies no transcripts, ignores upper-case extensions, stops at the first
// bad file, writes 16 bits whatever came in (as here with Meter::pyloudnorm) and follows links to
// folders.
NormalizeReport normalize_folder(const base::fs::path& input, const base::fs::path& output,
                                 const NormalizeOptions& options,
                                 const std::function<void(const FileResult&)>& on_file = {});

}  // namespace koi::audio
