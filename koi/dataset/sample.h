// Training samples: sentences as token matrices, and batches of them. Source: the reference's
// behaviour, measured; cases in tests/goldens/text/prompt and tests/goldens/data/sampling.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "koi/dataset/shard.h"
#include "koi/text/tokenizer.h"

namespace koi::dataset {

// The label that no loss counts.
inline constexpr int64_t kIgnoredLabel = -100;

// Row-major [rows, columns].
struct TokenMatrix {
  int64_t rows = 0;
  int64_t columns = 0;
  std::vector<int64_t> values;

  TokenMatrix() = default;
  TokenMatrix(int64_t row_count, int64_t column_count, int64_t fill);
  int64_t& at(int64_t row, int64_t column) {
    return values[static_cast<size_t>(row * columns + column)];
  }
  int64_t at(int64_t row, int64_t column) const {
    return values[static_cast<size_t>(row * columns + column)];
  }
  bool operator==(const TokenMatrix&) const = default;
};

// tokens and labels [1+K, T]: row 0 the token ids, rows 1.. the codes + 1 (0 where there is none).
struct Sample {
  TokenMatrix tokens;
  TokenMatrix labels;
  // [1, T], the token of the text that is spoken in the next column's frame, kIgnoredLabel where
  // there is none; [0, 0] where that is not known.
  TokenMatrix alignment = {};
};

// What one turn of a sample is made of: texts and codes of its sentences.
struct Turn {
  std::vector<std::string> texts;      // cleaned (text::clean_text); joined by a space
  std::vector<const CodeRows*> codes;  // of the same sentences; joined along time
  // Of the same sentences, see Sentence::alignment; empty where none is asked for.
  std::vector<std::vector<uint32_t>> alignments = {};
  std::optional<std::string> speaker;  // absent: "assistant"
  bool skip_text = false;              // <|skip_text|> stands for the text, nothing is learnt
  bool learn_text = true;              // false: the text is heard, only what follows it is learnt
  int64_t num_codebooks = 0;           // 0: as many as the first sentence has
  // Whether "<|im_end|>" and the like in texts and speaker become special tokens.
  // Differs: the reference always parses them.
  text::SpecialTokens specials = text::SpecialTokens::plain;
};

// The turn as a sample, shifted by one: tokens are columns 0 .. n-2, labels columns 1 .. n-1 of
//   <|im_start|>user\n TEXTS <|im_end|><|im_start|> SPEAKER \n <|semantic|>... <|im_end|>
// Code rows are ignored by the labels where the prompt stands; in the last column their label is 0.
// With skip_text all n columns stay and all labels are ignored. Throws Error(corrupt) where codes
// are missing, ragged, or fewer than num_codebooks rows, or where an alignment is of other frames
// or names characters that the text lacks.
Sample pack_turn(const Turn& turn, const text::Tokenizer& tokenizer);

// Samples one behind the other. Throws Error(corrupt) where their codebooks differ.
Sample join_samples(const std::vector<Sample>& samples);

// tokens, labels: row-major [B, 1+K, T]; attention_mask: [B, T], 1 where padding stands.
struct Batch {
  // Lengths of the samples that stand one behind the other in the only row; empty: a row a sample.
  std::vector<int64_t> segments;
  int64_t size = 0;     // B
  int64_t rows = 0;     // 1+K
  int64_t columns = 0;  // T
  std::vector<int64_t> tokens;
  std::vector<int64_t> labels;
  std::vector<uint8_t> attention_mask;
  // [T] of the only row, see Sample; collate leaves it empty.
  std::vector<int64_t> alignment;
};

struct CollateOptions {
  int64_t max_length = 1024;  // T is the longest sample's length, at most this
  int64_t pad_token = 0;      // row 0 of the padding: the tokenizer's end-of-sequence token
};

// Cuts longer samples, fills up shorter ones (code rows with 0, labels ignored). Throws
// Error(internal) for no samples, Error(corrupt) for samples with other numbers of codebooks.
Batch collate(const std::vector<Sample>& samples, const CollateOptions& options);

// The samples one behind the other in one row, without padding; of each at most the first
// `max_length` columns. Throws as collate.
Batch pack_samples(const std::vector<Sample>& samples, int64_t max_length);

}  // namespace koi::dataset
