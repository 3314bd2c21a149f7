// Where a checkpoint folder keeps its codec.
#pragma once

#include "koi/base/files.h"

namespace koi::checkpoint {

inline constexpr char kPublishedCodec[] = "firefly-gan-vq-fsq-8x1024-21hz-generator.pth";

// The codec's file in a checkpoint folder: the published name, else the only .pth with "generator"
// in its name. Throws Error(not_found) where there is none, Error(config) where it could be one of
// several.
base::fs::path find_codec(const base::fs::path& folder);

}  // namespace koi::checkpoint
