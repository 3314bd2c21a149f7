// A copy of a folder with the faults mended that a program can mend: what `koi validate --fix`
// does.
#pragma once

#include <functional>

#include "koi/audio/convert_folder.h"
#include "koi/check/check_folder.h"

namespace koi::check {

struct FixOptions {
  base::fs::path output;
  size_t workers = 0;  // as in CheckOptions
};

// Copies the recordings of the report with their transcripts and codes to the same places below the
// output; nothing in the report's folder is changed. On the way
//  - silence at the ends is cut to 0.2 s, and the mean of each channel taken away (silent_ends,
//    dc_offset): same container and encoding; what is lossy, or cannot be written, becomes a .wav
//    of 24 bits. Its codes stay behind;
//  - transcripts become UTF-8 without markup (encoding, utf16, markup, tags);
//  - what cannot be read, copies, and copies with contradicting words are left out, with their
//    transcripts.
// All other findings stay. Each file is written whole or not at all, a recording after its
// transcript and codes; what is there already is skipped, so that a second run goes on where the
// first stopped. `problems` of the result holds a line for each recording that is not a plain copy,
// also where it was there already. `on_file` is called once a recording, from one thread at a time.
// Throws Error(usage) where the output is, contains or lies in the report's folder, Error(io).
audio::FolderReport fix_folder(const Report& report, const FixOptions& options,
                               const std::function<void()>& on_file = {});

}  // namespace koi::check
