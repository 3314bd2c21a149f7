// A folder of recordings brought to one loudness: what `koi loudness-norm` does.
#pragma once

#include <cstddef>
#include <functional>

#include "koi/audio/convert_folder.h"
#include "koi/audio/loudness.h"

namespace koi::audio {

struct NormalizeOptions {
  LoudnessOptions loudness{};
  FolderOptions folder{};
  bool skip_bad = false;  // leave silent and too short recordings out instead of copying them
};

struct NormalizedFile {
  FileResult file;        // `unchanged` and `left_out`: silent or too short
  LoudnessChange change;  // of a file that is done
  bool clipped = false;   // samples passed full scale and were cut off
  bool as_wav = false;    // its own format cannot be written
};

struct NormalizeReport {
  FolderReport folder;
  size_t clipped = 0;  // of those done: cut off at full scale
  size_t limited = 0;  // of those done: quieter than the target because of the true peak
  size_t as_wav = 0;   // of those done: written as .wav
};

// Writes each recording of `input` to the same relative path below `output`, same container and
// encoding (what libsndfile cannot write becomes a .wav of 24 bits), and copies all other files
// (transcripts first of all) that are not hidden. Codes
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
                                 const std::function<void(const NormalizedFile&)>& on_file = {});

}  // namespace koi::audio
