// Sizes of models made from scratch, as the text of their config.json.
#pragma once

#include <string_view>

namespace koi::lm {

// "tiny" (learns in seconds on a CPU; its vocabulary is that of text::byte_tokenizer) or
// "fish-speech-1.4" (the published file, byte for byte). Throws Error(usage) for another name.
std::string_view preset_json(std::string_view name);

}  // namespace koi::lm
