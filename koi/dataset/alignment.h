// Which token of its text is spoken in a frame: what a model from nothing is told of the speech
// that it learns from.
#pragma once

#include <cstdint>
#include <vector>

#include "koi/dataset/sample.h"
#include "koi/text/tokenizer.h"

namespace koi::dataset {

// Reads NAME.alignment: white space between whole numbers, one a frame, see Sentence::alignment. Up
// to two frames more or fewer than `frames`, whose ends nobody agrees on, are cut or 0. Throws
// Error(corrupt) for anything else, and as base::read_file.
std::vector<uint32_t> read_alignment(const base::fs::path& path, size_t frames);

// Where a turn's text stands in its prompt.
struct PromptPlace {
  std::vector<int64_t> tokens;  // of the prompt
  size_t text_begin = 0;        // byte of the prompt's text at which the turn's texts begin
};

// The tokens that are spoken in the turn's frames, one sentence behind the other; kIgnoredLabel
// where none is. `turn.alignments` holds one a sentence. Throws Error(corrupt) as pack_turn,
// Error(unsupported) for a tokenizer whose tokens are not the text's bytes.
std::vector<int64_t> align_tokens(const Turn& turn, const PromptPlace& prompt,
                                  const text::Tokenizer& tokenizer);

}  // namespace koi::dataset
