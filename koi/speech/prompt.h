// What the language model is given: a turn of text, with or without the codes that speak it, and
// the part of a long text's history that still fits. Source: the reference's behaviour, measured;
// cases in tests/goldens/text/prompt.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "koi/base/files.h"
#include "koi/checkpoint/npy.h"
#include "koi/text/tokenizer.h"

namespace koi::speech {

// Columns of the model's input, one after the other: `rows` values each, the token id, then code +
// 1 of each codebook (0: no code).
struct TokenColumns {
  int64_t rows = 0;
  std::vector<int32_t> values;
  bool wide = false;  // the reference's tensor would be int64: written codes keep that width

  int64_t columns() const { return rows == 0 ? 0 : std::ssize(values) / rows; }
  std::span<const int32_t> column(int64_t t) const;
  void append(const TokenColumns& more);  // of the same number of rows
};

// Codes as files hold them, 0 .. 999.
struct StoredCodes {
  checkpoint::Codes codes;
  bool wide = false;  // the file holds int64
};

// A .npy of codes [K, T] or [1, K, T]. Throws Error(not_found), Error(corrupt) as read_codes does.
StoredCodes read_stored_codes(const base::fs::path& path);
void write_stored_codes(const base::fs::path& path, const StoredCodes& codes);  // [K, T]

struct PromptOptions {
  int64_t num_codebooks = 8;
  int64_t codebook_size = 1024;  // the model's: stored codes are 0 .. this - 2
  // parse: names of special tokens in the text become these tokens, as in the reference.
  text::SpecialTokens specials = text::SpecialTokens::plain;
};

// <|im_start|>user\n{cleaned text}<|im_end|><|im_start|>assistant\n without codes; with `codes`
// (may be null) then <|semantic|> with code + 1 for each column of theirs, and <|im_end|>. More
// codebooks than the model's are cut; fewer, and codes that the model does not know, are an
// Error(corrupt). Differs: special tokens in the text are plain text by default; uint16 codes are
// read.
TokenColumns encode_tokens(const text::Tokenizer& tokenizer, std::string_view text,
                           const StoredCodes* codes, const PromptOptions& options);

// Which pieces of a long text's history (text, codes, text, codes, ..., text; `lengths` in columns)
// make up the next prompt, as indices in order. `budget` is what they may have together: the
// reference's max_length - 1024 - the references' columns.
// The newest pieces come along until one would not fit (it is counted twice), whole turns only;
// where that leaves a gap, the first turn stays in front. As in the reference, a budget that holds
// not even the newest piece gives the whole history with its first two pieces twice.
std::vector<size_t> context_window(std::span<const int64_t> lengths, int64_t budget);

}  // namespace koi::speech
