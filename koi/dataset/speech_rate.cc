#include "koi/dataset/speech_rate.h"

#include <algorithm>

#include "koi/base/utf8.h"
#include "koi/text/unicode.h"

namespace koi::dataset {
namespace {

constexpr double kFastest = 40;  // letters a second
constexpr double kFactor = 3;    // of the median
constexpr size_t kFewest = 10;   // texts that a median is taken from
constexpr double kShort_s = 1;

struct Script {
  char32_t first, last;
  double letters;
};
constexpr Script kScripts[] = {{0x3040, 0x30FF, 2},     // Hiragana, Katakana
                               {0x3400, 0x9FFF, 3},     // Han
                               {0xAC00, 0xD7A3, 2.5},   // Hangul syllables
                               {0xF900, 0xFAFF, 3},     // Han, compatibility
                               {0x20000, 0x323AF, 3}};  // Han, extensions

double letters_of(char32_t code) {
  for (const Script& script : kScripts) {
    if (code >= script.first && code <= script.last) return script.letters;
  }
  return text::is_word(code) ? 1 : 0;
}

double rate_of(const SpokenLetters& text) {
  return text.duration_s > 0 ? text.letters / text.duration_s : kFastest + 1;
}

}  // namespace

double spoken_letters(std::string_view text) {
  double letters = 0;
  for (size_t offset = 0; offset < text.size();)
    letters += letters_of(base::next_code_point(text, offset));
  return letters;
}

std::vector<size_t> odd_rates(const std::vector<SpokenText>& texts) {
  std::vector<SpokenLetters> letters;
  for (const SpokenText& text : texts)
    letters.push_back({spoken_letters(text.text), text.duration_s});
  return odd_rates(letters);
}

std::vector<size_t> odd_rates(const std::vector<SpokenLetters>& texts) {
  std::vector<double> rates;
  for (const SpokenLetters& text : texts) rates.push_back(rate_of(text));
  double median = 0;  // 0: none
  if (rates.size() >= kFewest) {
    std::vector<double> sorted = rates;
    const auto middle = sorted.begin() + std::ssize(sorted) / 2;
    std::nth_element(sorted.begin(), middle, sorted.end());
    median = *middle;
  }
  std::vector<size_t> odd;
  for (size_t i = 0; i < rates.size(); ++i) {
    const bool judged = median > 0 && texts[i].duration_s >= kShort_s;
    const bool unlike = rates[i] > kFactor * median || rates[i] * kFactor < median;
    if (rates[i] > kFastest || (judged && unlike)) odd.push_back(i);
  }
  return odd;
}

}  // namespace koi::dataset
