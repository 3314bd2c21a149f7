#include "koi/align/spoken_units.h"

#include <algorithm>
#include <string>

#include "koi/base/utf8.h"
#include "koi/text/normalize.h"
#include "koi/text/script.h"
#include "koi/text/unicode.h"

namespace koi::align {
namespace {

using text::Script;

// Of decomposed letters.
bool is_vowel(char32_t code) {
  constexpr char32_t kFirstJamo = 0x1161, kLastJamo = 0x11A7;
  constexpr std::u32string_view kVowels = U"aeiouyæœøıаеиоуыэюяіѣαεηιουω";
  return (code >= kFirstJamo && code <= kLastJamo) || kVowels.find(code) != kVowels.npos;
}

// Letters, and the accents that belong to them.
bool is_of_word(char32_t code) { return text::is_word(code) && !text::is_numeric(code); }

bool is_abbreviation(std::u32string_view word) {
  return word.size() >= 2 && word.size() <= 5 &&
         std::all_of(word.begin(), word.end(), text::is_upper);
}

double units_of_word(std::u32string_view word, Script language) {
  constexpr char32_t kSilentIeung = 0x110B;
  double units = 0;
  bool behind_vowel = false;
  for (const char32_t code : word) {
    const Script script = text::script_of(code);
    const char32_t letter = text::to_lower(code);
    bool vowel = false;
    switch (script) {
      case Script::none:  // an accent
        continue;
      case Script::latin:
      case Script::cyrillic:
      case Script::greek:
      case Script::hangul:
        vowel = is_vowel(letter);
        if (letter != kSilentIeung) units += vowel ? (behind_vowel ? 0 : 1) : 0.5;
        break;
      case Script::kana:
        units += 1.5;
        break;
      case Script::han:
        units += language == Script::kana ? 3 : 2.2;
        break;
      default:
        units += 0.8;
    }
    behind_vowel = vowel;
  }
  return units;
}

}  // namespace

double spoken_units(std::string_view said) {
  const std::string read = text::read_numbers(said, text::NumberReading::by_script);
  const Script language = text::script_of(read);
  const std::u32string codes =
      base::to_utf32(text::to_normal_form(read, text::NormalForm::nfd), "transcript");
  const bool has_small = std::any_of(codes.begin(), codes.end(), text::is_lower);
  double units = 0;
  for (size_t i = 0; i < codes.size();) {
    size_t end = i;
    while (end < codes.size() && is_of_word(codes[end])) ++end;
    const std::u32string_view word = std::u32string_view(codes).substr(i, end - i);
    if (word.empty()) {
      units += text::is_decimal_digit(codes[i++]) ? 4 : 0;
    } else {
      units += has_small && is_abbreviation(word) ? 2 * static_cast<double>(word.size())
                                                  : units_of_word(word, language);
      i = end;
    }
  }
  return units;
}

}  // namespace koi::align
