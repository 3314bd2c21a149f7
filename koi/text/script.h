// In which script a text is written, and what that says about its language.
#pragma once

#include <string_view>

namespace koi::text {

enum class Script {
  none,  // no letters
  latin,
  cyrillic,
  greek,
  hangul,
  kana,  // Japanese: Kana, alone or with Han
  han,
  arabic,
  hebrew,
  devanagari,
  thai,
  other,
};

// The script of a letter; none for digits, signs and what belongs to no script of its own
// (combining accents, joiners).
Script script_of(char32_t code);

// The script of most letters; Han stands for kana where there is Kana in the text too. The text is
// valid UTF-8. Source: the blocks of Unicode 15.
Script script_of(std::string_view text);

std::string_view name_of(Script script);  // "Latin", "Japanese"

// The code of the one language that is written so ("ko" for Hangul); empty for scripts of several.
std::string_view language_of(Script script);

}  // namespace koi::text
