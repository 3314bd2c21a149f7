#pragma once

#include <string>

namespace koi::base {

// A text as one word of a POSIX shell's command line: quoted where it is empty or holds more than
// ASCII letters and digits, the signs /._-+= and bytes of other characters.
std::string shell_word(const std::string& text);

}  // namespace koi::base
