// A small tokenizer of the 1.4 make, for checkpoints that start from nothing.
#pragma once

#include <cstdint>

#include "koi/base/files.h"

namespace koi::text {

// Nine special tokens in the order of the published 1.2 and 1.4 checkpoints (begin_of_sequence,
// end_of_sequence, pad, im_start, im_end, semantic, mel, phoneme_start, phoneme_end), then one
// token for each byte. A model's vocab_size must be at least this; the ids above mean nothing.
inline constexpr int64_t kByteTokenizerSize = 9 + 256;

// Writes tokenizer.json (byte-level BPE without merges), tokenizer_config.json and
// special_tokens_map.json into `folder`, which must be there. Throws Error(io, not_found).
void write_byte_tokenizer(const base::fs::path& folder);

}  // namespace koi::text
