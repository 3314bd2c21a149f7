// A folder of recordings cut into pieces: what `koi slice` does.
#pragma once

#include <cstddef>
#include <functional>

#include "koi/audio/convert_folder.h"
#include "koi/audio/slice.h"

namespace koi::audio {

struct SliceFolderOptions {
  SliceOptions slice{};
  FolderOptions folder{};
  bool flat = false;  // pieces beside each other instead of in a folder for each recording
};

struct SliceReport {
  FolderReport folder;
  size_t pieces = 0;       // written
  double pieces_s = 0;     // their length
  size_t transcripts = 0;  // that came along
};

// Cuts each recording a/x.wav of `input` (all its channels at one place, found in their mean) into
// a/x/0000.wav, a/x/0001.wav ... below `output`, or with `flat` a/x_0000.wav ...: 16-bit WAV files
// at the recording's rate. Where a recording stays in one piece its transcripts (.lab, .txt) come
// along; the words of several pieces nobody can tell, so those are named in `problems` and stay
// behind. A recording in which all is silent is `left_out`. The first piece of a recording is
// written last: where it is there already the recording is skipped, so that a second run goes on
// where the first stopped. Everything else as FolderConversion. Throws as that, as
// check_slice_options(), and Error(usage) where `output` is `input`.
// Differs: the reference skips nothing with `flat`, and stops at the first bad file.
SliceReport slice_folder(const base::fs::path& input, const base::fs::path& output,
                         const SliceFolderOptions& options,
                         const std::function<void(const FileResult&)>& on_file = {});

}  // namespace koi::audio
