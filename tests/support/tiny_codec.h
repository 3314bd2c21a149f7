// koi-tiny's codec, into a checkpoint folder whose language model is another one.
#pragma once

#include "koi/base/files.h"

namespace koi::test {

inline constexpr const char* kTinyCodec =
    KOI_SOURCE_DIR "/assets/koi-tiny/firefly-gan-vq-fsq-8x1024-21hz-generator.pth";

inline void copy_tiny_codec(const base::fs::path& to) {
  const base::fs::path weights = kTinyCodec;
  for (const auto& file : {weights, weights.parent_path() / "firefly_gan_vq.yaml"})
    base::fs::copy_file(file, to / file.filename(), base::fs::copy_options::overwrite_existing);
}

}  // namespace koi::test
