// Whether transcripts fit the length of their recordings, by how fast they would have to be spoken.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace koi::dataset {

// How much there is to say in a text: its letters and digits, those of scripts that write a
// syllable or a word with one sign counted as more (Hangul 2.5, Han 3, Kana 2). Rough on purpose:
// texts of different scripts become comparable, no more. The text is valid UTF-8.
double spoken_letters(std::string_view text);

struct SpokenText {
  std::string_view text;
  double duration_s = 0;
};

// Which of one speaker's texts cannot be what is said in their recordings: those that would be
// spoken more than three times as fast or as slowly as the speaker's median (where there are ten or
// more to take it from), or at over 40 letters a second, which nobody speaks. Recordings of under a
// second are judged by the latter alone, being mostly pause.
std::vector<size_t> odd_rates(const std::vector<SpokenText>& texts);

// The same where the texts themselves are not at hand.
struct SpokenLetters {
  double letters = 0;  // spoken_letters()
  double duration_s = 0;
};
std::vector<size_t> odd_rates(const std::vector<SpokenLetters>& texts);

}  // namespace koi::dataset
