// What a file is and what is in it, told by its content.
#pragma once

#include "koi/checkpoint/describe.h"

namespace koi::cli {

// A checkpoint, an array, a tokenizer.json, a recording or a shard (which has no mark of its own:
// by its extension); of a checkpoint folder its weights. Throws Error(unsupported) for other files,
// and as the readers do.
checkpoint::Description describe_file(const base::fs::path& path);

}  // namespace koi::cli
