// The "normalizer" of a tokenizer file: what happens to a text before it is cut. Internal to
// koi/text.
#pragma once

#include <functional>
#include <string>

namespace koi::text {

class JsonNode;

using Normalizer = std::function<std::string(std::string)>;

// NFC, NFD, NFKC, NFKD, Prepend, Replace, Strip and Sequence. Throws Error(unsupported) for other
// kinds and settings, Error(corrupt) for wrong ones.
Normalizer make_normalizer(const JsonNode& node);

}  // namespace koi::text
