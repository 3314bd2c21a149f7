#include "koi/eval/error_rate.h"

#include <limits>
#include <utility>

#include "koi/base/edit_distance.h"
#include "koi/base/utf8.h"
#include "koi/text/normalize.h"
#include "koi/text/script.h"
#include "koi/text/unicode.h"

namespace koi::eval {
namespace {

bool is_apostrophe(char32_t code) { return code == U'\'' || code == U'\u2019'; }

template <typename Sequence>
Errors errors_of(const Sequence& reference, const Sequence& hypothesis) {
  return {base::edit_distance(reference, hypothesis), static_cast<int64_t>(reference.size())};
}

std::u32string joined(const std::vector<std::u32string>& words, std::u32string_view between) {
  std::u32string text;
  for (const std::u32string& word : words) {
    if (!text.empty()) text += between;
    text += word;
  }
  return text;
}

std::u32string_view space_between(const std::string& text) {
  switch (text::script_of(text)) {
    case text::Script::hangul:
    case text::Script::kana:
    case text::Script::han:
    case text::Script::thai:
      return U"";
    default:
      return U" ";
  }
}

}  // namespace

double Errors::rate() const {
  if (length > 0) return static_cast<double>(errors) / static_cast<double>(length);
  return errors > 0 ? std::numeric_limits<double>::infinity() : 0;
}

Errors& Errors::operator+=(const Errors& other) {
  errors += other.errors;
  length += other.length;
  return *this;
}

std::vector<std::u32string> compared_words(const std::string& text) {
  const std::string said = text::read_numbers(text, text::NumberReading::by_script);
  const std::string plain = text::to_normal_form(said, text::NormalForm::nfkc);
  std::vector<std::u32string> words;
  bool inside = false;
  for (size_t offset = 0; offset < plain.size();) {
    const char32_t code = base::next_code_point(plain, offset);
    if (is_apostrophe(code)) continue;
    const bool before = std::exchange(inside, text::is_word(code) && code != U'_');
    if (!inside) continue;
    if (!before) words.emplace_back();
    words.back() += text::to_lower(code);
  }
  return words;
}

TextErrors count_errors(const std::string& reference, const std::string& hypothesis) {
  const auto said = compared_words(reference), heard = compared_words(hypothesis);
  const std::u32string_view between = space_between(reference);
  return {errors_of(said, heard), errors_of(joined(said, between), joined(heard, between))};
}

}  // namespace koi::eval
