// A long text cut into segments for synthesis. Source: the reference's behaviour, measured; cases
// in tests/goldens/text/split.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace koi::text {

// Cleans `text` (clean_text), cuts it behind sentence ends, then behind commas, spaces, and last by
// length, and joins neighbours while they fit into `max_bytes` bytes of UTF-8. A segment may be
// longer by what the last character overshoots. Segments are stripped; those without anything to
// say are dropped, so the result may be empty. Throws Error(corrupt) for invalid UTF-8,
// Error(config) for max_bytes 0.
std::vector<std::string> split_text(std::string_view text, size_t max_bytes);

}  // namespace koi::text
