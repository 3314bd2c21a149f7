#pragma once

#include "koi/base/files.h"
#include "koi/text/tokenizer.h"

namespace koi::text {

// Puts a tokenizer (a tokenizer.json, or a checkpoint folder with one) into `folder`, which must be
// there: tokenizer.json, tokenizer_config.json and special_tokens_map.json, byte for byte. Where
// the second is not beside it, those of write_byte_tokenizer() go with a tokenizer that has the
// same special tokens. Throws as Tokenizer::load does, and Error(corrupt) where a token that
// prompts are made of, or the end token, is not there.
Tokenizer install_tokenizer(const base::fs::path& from, const base::fs::path& folder);

}  // namespace koi::text
