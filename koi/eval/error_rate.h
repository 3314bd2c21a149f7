// How far what was heard is from what was to be said.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace koi::eval {

// Edits (substitutions, insertions, deletions: Levenshtein's distance), and of how many words or
// characters. Summed up, the rate of many sentences is their errors over their length.
struct Errors {
  int64_t errors = 0;
  int64_t length = 0;  // of what was to be said

  double rate() const;  // 0 where nothing was to be said and nothing was heard, else may pass 1
  Errors& operator+=(const Errors& other);
  bool operator==(const Errors&) const = default;
};

struct TextErrors {
  Errors words;
  Errors characters;
};

// What is compared: numbers as they are said (text::NumberReading::by_script), NFKC, lower case,
// apostrophes gone, all but letters, marks and digits (in every script) taken for spaces; the words
// between these. Throws Error(corrupt) for invalid UTF-8.
std::vector<std::u32string> compared_words(const std::string& text);

// Characters of words are compared with one space between two words; without where most of
// `reference` is Hangul, Kana, Han or Thai. (In the last three a "word" is whatever stands between
// two spaces or signs, so their word errors say little.) Time grows with the product of the
// lengths. Throws as compared_words().
TextErrors count_errors(const std::string& reference, const std::string& hypothesis);

}  // namespace koi::eval
