// ${eval:'1024*2'}: plain arithmetic inside a configuration.
#pragma once

#include <string_view>

#include "koi/config/node.h"

namespace koi::config {

// Numbers, + - * / // % **, signs and parentheses, with Python's results (1/2 is 0.5, -7//2 is -4).
// Integers stay integers of 64 bits. Throws Error(config) naming the expression.
// Differs: the reference evaluates any Python expression; nothing but arithmetic is run here.
Node evaluate_arithmetic(std::string_view expression);

}  // namespace koi::config
