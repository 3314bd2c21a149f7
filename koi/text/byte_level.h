// The byte-level alphabet of GPT-2: every byte is written as one printable character, so that a
// vocabulary of such characters can spell anything. Source: Radford et al. 2019.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace koi::text {

// '!' to '~', U+00A1 to U+00AC and U+00AE to U+00FF stand for themselves, the other bytes in
// ascending order for U+0100, U+0101, ...
char32_t byte_to_char(uint8_t byte);
std::optional<uint8_t> char_to_byte(char32_t code);

std::string bytes_to_chars(std::string_view bytes);

}  // namespace koi::text
