#pragma once

#include <string_view>

namespace koi::base {

// Of the program and the library: "0.1.0".
std::string_view version();

}  // namespace koi::base
