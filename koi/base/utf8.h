// UTF-8 as Unicode defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace koi::base {

// Bytes of the well-formed sequence at the start of `text`; 0 where there is none (or `text` is
// empty).
size_t utf8_sequence_length(std::string_view text);

bool is_valid_utf8(std::string_view text);

// The code point at `offset` (of valid UTF-8), and `offset` moved behind it.
char32_t next_code_point(std::string_view text, size_t& offset);

void append_utf8(std::string& out, char32_t code_point);

// Throws Error(corrupt) at the first invalid sequence, naming `where`.
std::u32string to_utf32(std::string_view text, std::string_view where);
std::string to_utf8(std::u32string_view text);

}  // namespace koi::base
