// The "pre_tokenizer" of a tokenizer file: cuts a text into the pieces that merges do not cross.
// Internal to koi/text.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "koi/text/regex.h"

namespace koi::text {

class JsonNode;

struct Piece {
  std::string text;
  bool first = false;  // begins at the start of the whole text
};

// Cuts every piece further; empty pieces are dropped.
using PreTokenizer = std::function<std::vector<Piece>(std::vector<Piece>)>;

// ByteLevel, Split, Digits, Punctuation, Metaspace and Sequence. Errors as make_normalizer.
PreTokenizer make_pre_tokenizer(const JsonNode& node);

// Whether a piece at the start of the raw text is cut in another way (Metaspace "first").
bool depends_on_text_start(const JsonNode& node);

// The prepend_scheme of a Metaspace, in the pre-tokenizer and in the decoder: "always", "first" or
// "never".
std::string metaspace_scheme(const JsonNode& node);

}  // namespace koi::text
