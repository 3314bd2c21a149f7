// Single values as Python writes and reads them: the spelling of numbers in configurations.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "koi/config/node.h"

namespace koi::config {

// A decimal number that fills `text`: "1_000", "-3" as integers, "1e3", ".5", "5." as floats. Empty
// for anything else, and for integers with a leading zero ("007"). Throws Error(config) for
// integers over 64 bits.
std::optional<Node> parse_decimal(std::string_view text);

// Python's repr: the shortest digits that read back, "1e-05", "1000.0", "inf".
std::string python_repr(double value);

// Python's str() of a scalar: "None", "True", "1.0". Throws Error(config) naming `where` for a list
// or map.
std::string python_text(const Node& scalar, std::string_view where);

}  // namespace koi::config
