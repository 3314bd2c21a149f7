// Classes of characters, and normal forms, as the tools that made the checkpoints know them.
#pragma once

#include <string>
#include <string_view>

namespace koi::text {

// Unicode's White_Space property.
bool is_white_space(char32_t code);
// What Python strips and its \s matches: White_Space and the separators U+001C to U+001F.
bool is_python_space(char32_t code);

bool is_ascii_punctuation(char32_t code);
bool is_punctuation(char32_t code);      // the ASCII ones (symbols too) and categories P*
bool is_decimal_digit(char32_t code);    // category Nd
int decimal_digit_value(char32_t code);  // 0 to 9, of a decimal digit in any script
bool is_numeric(char32_t code);          // categories Nd, Nl, No
// \w of Unicode's regular expressions: alphabetic, mark, decimal digit, connector, joiner.
bool is_word(char32_t code);
bool is_upper(char32_t code);  // category Lu
bool is_lower(char32_t code);  // category Ll
char32_t to_lower(char32_t code);

enum class NormalForm { nfc, nfd, nfkc, nfkd };

// `text` is valid UTF-8. Time grows as n log n whatever the text: combining marks are sorted.
std::string to_normal_form(std::string_view text, NormalForm form);

// NFC of a file's name, by which two are compared: macOS writes 가 as two code points. What is no
// UTF-8 stays as it is.
std::string composed_name(const std::string& name);

// U+FFFD for every longest run of bytes that begins a well-formed sequence but does not end it, and
// for every other byte that is not UTF-8 (Unicode's recommendation for replacement).
std::string replace_invalid_utf8(std::string_view bytes);

}  // namespace koi::text
