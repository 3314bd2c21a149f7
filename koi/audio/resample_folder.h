// A folder of recordings brought to one sample rate: what `koi resample` does.
#pragma once

#include <cstddef>
#include <functional>

#include "koi/audio/convert_folder.h"

namespace koi::audio {

struct ResampleOptions {
  int sample_rate_hz = 44100;
  bool mono = true;             // mix the channels
  bool reference_bits = false;  // WAV, AIFF and FLAC in 16 bits, as the reference writes them
  FolderOptions folder{};
};

struct ResampleReport {
  FolderReport folder;  // `unchanged`: had that rate already, copied as they are
  size_t clipped = 0;   // of those done: samples passed full scale and were cut off
  size_t as_wav = 0;    // of those done: written as .wav
};

// Writes each recording of `input` at the new rate to the same place below `output`, in its own
// container and encoding where that can hold the rate (else as .wav of 24 bits), with all files
// that stand beside. Everything else as FolderConversion. Throws as that, and Error(usage) for a
// rate outside kMinRateHz..kMaxRateHz.
// Differs: the reference writes 16 bits whatever came in, and copies no transcripts.
ResampleReport resample_folder(const base::fs::path& input, const base::fs::path& output,
                               const ResampleOptions& options,
                               const std::function<void(const FileResult&)>& on_file = {});

}  // namespace koi::audio
