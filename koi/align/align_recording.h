// One long recording and its transcript made into clips with .lab files: what `koi align` does.
#pragma once

#include <functional>

#include "koi/align/clips.h"

namespace koi::align {

struct AlignOptions {
  ClipOptions clips{};
  double least_confidence = 0.5;  // clips below it are not written
  bool overwrite = false;         // do again what is there already
};

struct Aligned {
  size_t clips = 0;    // written
  double clips_s = 0;  // their length
  size_t unsure = 0;   // clips that were left out for their confidence
  double unsure_s = 0;
  size_t unread = 0;  // stretches of text that are not in the recording
  double confidence =
      0;  // mean, each byte of text counts the same; text that was not read counts 0
  size_t text_bytes = 0;
  bool skipped = false;  // was there already; all else is 0
};

// The text in a file as UTF-8: as dataset::decode_text(), or in an old encoding that is plainly
// told (text::guess_encoding). Throws Error(corrupt) where it is neither.
std::string read_text(const base::fs::path& path);

// Writes folder/NAME_0001.wav, NAME_0002.wav ..., each with its .lab, and last the table
// folder/NAME.align.tsv (see docs/file_formats.md), by which a second run knows what is finished.
// NAME is the recording's name without its extension; all files that are called so belong to this
// recording, those of an earlier run are removed. The clips are WAV files in the recording's own
// encoding where it is a WAV file, else in 24 bits. `on_progress` is told the share that is done,
// rising to 1. Little memory whatever the length (see Lattice). Throws Error(usage) where `folder`
// is the recording's own, Error(corrupt) where there is nothing to say in the text, nothing to hear
// in the recording, or where both do not fit: the mean confidence is under 0.5, or the text would
// have to be spoken five times as fast or as slowly as people do. Then nothing is written. Throws
// as audio::stream_audio(), Lattice, base::Interrupted.
Aligned align_recording(const base::fs::path& recording, const base::fs::path& text,
                        const base::fs::path& folder, const AlignOptions& options,
                        const std::function<void(double)>& on_progress = {});

}  // namespace koi::align
