// The "decoder" of a tokenizer file: puts tokens together to text. Internal to koi/text.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace koi::text {

class JsonNode;

// Works on the list of tokens; their concatenation is the text.
using Decoder = std::function<std::vector<std::string>(std::vector<std::string>)>;

// ByteLevel, ByteFallback, Metaspace, Fuse, Strip, Replace and Sequence. Errors as make_normalizer.
Decoder make_decoder(const JsonNode& node);

}  // namespace koi::text
