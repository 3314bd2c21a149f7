// Exceptions of libraries that the user can do something about.
#pragma once

#include <exception>
#include <optional>
#include <string>

namespace koi::cli {

// One line for the user; nothing for what is the program's own fault. Each of the two programs has
// its own: only koi-torch knows libtorch's.
std::optional<std::string> explain(const std::exception& error);

}  // namespace koi::cli
