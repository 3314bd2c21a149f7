// Byte-level tokenizers of the 1.4 make, for checkpoints that start from nothing.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "koi/base/files.h"

namespace koi::text {

// Nine special tokens in the order of the published 1.2 and 1.4 checkpoints (begin_of_sequence,
// end_of_sequence, pad, im_start, im_end, semantic, mel, phoneme_start, phoneme_end), then one
// token for each byte. A model's vocab_size must be at least this; the ids above mean nothing.
inline constexpr int64_t kByteTokenizerSize = 9 + 256;

// Their names, by id: bytes as the byte-level alphabet (byte_level.h) in the order of its code
// points.
std::vector<std::string> byte_tokenizer_tokens();

// Two neighbouring tokens that become one, by their names.
using TokenMerge = std::pair<std::string, std::string>;

// A tokenizer.json: the tokens above, then those that `merges` make, in their order (a token that
// two merges make has the id of the first). The tokens of a merge must be there before it.
std::string byte_tokenizer_json(const std::vector<TokenMerge>& merges);

// The tokenizer_config.json and special_tokens_map.json that go with it, into `folder`, which must
// be there. Throws Error(io, not_found).
void write_byte_tokenizer_companions(const base::fs::path& folder);

// All three, without merges.
void write_byte_tokenizer(const base::fs::path& folder);

}  // namespace koi::text
