// One recording to codes and back, for the ear: what `koi codec` does. Source: the reference's
// tools/vqgan/inference.py (behaviour).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "koi/base/files.h"
#include "koi/codec/firefly.h"

namespace koi::codec {

struct Conversion {
  int64_t codebooks = 0, columns = 0;
  double audio_s = 0;                        // of the wav written
  std::optional<base::fs::path> codes_file;  // written, where the input was audio
};

// `input` is an audio file, or codes in a .npy ([K, T], also [1, K, T]). Audio is encoded, all its
// columns kept (the last one may see padding), and the codes are written beside `output` as .npy,
// int32 [K, T]. `output` gets the codes' sound, 16-bit WAV with one channel at the codec's rate.
// Throws Error(usage) where `output` is no .wav or is the input; errors of reading, of codes that
// are not this codec's (naming the file), and of writing.
Conversion convert_file(const Firefly& codec, const base::fs::path& input,
                        const base::fs::path& output);

// The samples alone, at the codec's rate, of an audio file.
std::vector<float> resynthesize(const Firefly& codec, const base::fs::path& recording);

}  // namespace koi::codec
