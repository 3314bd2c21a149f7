// The name that was probably meant, for errors about unknown ones.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace koi::base {

// The candidate that `name` was probably meant to be: the one whose last part (behind the last dot)
// is the same, else the one with the fewest edits, where these are few; "" where none is near.
std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace koi::base
