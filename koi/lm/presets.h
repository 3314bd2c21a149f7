// Sizes of models made from scratch, as the text of their config.json.
#pragma once

#include <string_view>

#include "koi/lm/model.h"

namespace koi::lm {

// "tiny" (learns in seconds on a CPU; its vocabulary is that of text::byte_tokenizer) or
// "fish-speech-1.4" (the published file, byte for byte). Throws Error(usage) for another name.
std::string_view preset_json(std::string_view name);

// Fresh random weights may well end their turn at once. This gives all tokens one feature in common
// that speaks for <|semantic|>, and lets the slow blocks begin small, so that a model from
// `initialize` talks for as long as it is let. The embeddings must not be tied.
void make_talkative(DualAr& model);

}  // namespace koi::lm
