// koi-tiny's codec, into a checkpoint folder whose language model is another one.
#pragma once

#include "koi/base/files.h"

namespace koi::test {

inline constexpr const char* kTinyCodec =
    KOI_SOURCE_DIR "/assets/koi-tiny/firefly-gan-vq-fsq-8x1024-21hz-generator.pth";

// For koi init: a language model of as many codebooks as it has.
inline constexpr const char* kTinyCodecConfig =
    KOI_SOURCE_DIR "/assets/koi-tiny/firefly_gan_vq.yaml";

inline void copy_tiny_codec(const base::fs::path& to) {
  for (const base::fs::path file : {kTinyCodec, kTinyCodecConfig})
    base::fs::copy_file(file, to / file.filename(), base::fs::copy_options::overwrite_existing);
}

}  // namespace koi::test
