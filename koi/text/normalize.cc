#include "koi/text/normalize.h"

#include <optional>
#include <vector>

#include "koi/base/error.h"
#include "koi/base/utf8.h"
#include "koi/text/english_units.h"
#include "koi/text/korean_units.h"
#include "koi/text/normalize_en.h"
#include "koi/text/normalize_ko.h"
#include "koi/text/normalize_zh.h"
#include "koi/text/number_scan.h"
#include "koi/text/script.h"
#include "koi/text/unicode.h"

namespace koi::text {
namespace {

// The nearest letters on one side of a number.
struct Neighbour {
  Script script = Script::none;
  bool touches = false;
  bool stopped = false;  // a full stop stands between
};

struct Place {
  size_t begin, end;  // bytes, signs before the number and a unit behind it included
  Neighbour before, after;
  Script script = Script::none;
};

Script decide(const Neighbour& before, const Neighbour& after) {
  if (after.script == Script::none || before.script == after.script) return before.script;
  if (before.script == Script::none) return after.script;
  if (before.stopped != after.stopped) return before.stopped ? after.script : before.script;
  if (after.touches) return after.script;
  if (before.touches || after.script == Script::latin) return before.script;
  return after.script;
}

size_t next(std::string_view text, size_t at) {
  return at + base::utf8_sequence_length(text.substr(at));
}

char32_t code_at(std::string_view text, size_t at) { return base::next_code_point(text, at); }

// The sign that stands before a number and is read with it.
bool is_leading_sign(char32_t code) {
  return std::u32string_view(U"$€£¥₩￥￦-−+#").find(code) != std::u32string_view::npos;
}

// Where the number at `at` ends, with what joins it to others (2024-05-03) and its unit.
size_t number_end(std::string_view text, size_t at) {
  size_t end = at;
  while (end < text.size()) {
    const size_t behind = next(text, end);
    const bool joins = std::string_view(".,:/-~").find(text[end]) != std::string_view::npos &&
                       is_digit(char_at(text, behind));
    if (!joins && !is_decimal_digit(code_at(text, end))) break;
    end = behind;
  }
  if (const auto unit = find_unit(text, end)) return unit->end;
  if (const auto unit = find_english_unit(text, end)) return unit->end;
  return end;
}

// The numbers of a sentence, each with the script it is read by.
class Places {
 public:
  explicit Places(std::string_view text) : text_(text) {
    for (size_t at = 0; at < text.size();) {
      const char32_t code = code_at(text, at);
      const size_t behind = next(text, at);
      const Script script = script_of(code);
      has_kana_ = has_kana_ || script == Script::kana;
      if (is_decimal_digit(code)) {
        add_number(at);
        at = found_.back().end;
      } else {
        if (script != Script::none) add_letter(script, at, behind);
        const bool stop = code == U'.' || code == U'!' || code == U'?';
        if (stop && char_at(text, behind) == ' ') stop_ = behind;
        sign_ = is_leading_sign(code) ? std::optional(at) : std::nullopt;
        at = behind;
      }
    }
  }

  std::vector<Place> take() {
    for (Place& place : found_) {
      place.script = decide(place.before, place.after);
      if (has_kana_ && place.script == Script::han) place.script = Script::kana;
    }
    return std::move(found_);
  }

 private:
  void add_number(size_t at) {
    const size_t begin = sign_.value_or(at);
    sign_.reset();
    found_.push_back(
        {begin, number_end(text_, at), {letter_, letter_end_ == begin, stop_ > letter_end_}, {}});
  }

  // It is what stands behind all numbers since the last letter.
  void add_letter(Script script, size_t begin, size_t end) {
    for (; open_ < found_.size(); ++open_)
      found_[open_].after = {script, found_[open_].end == begin, stop_ > found_[open_].end};
    letter_ = script;
    letter_end_ = end;
  }

  std::string_view text_;
  std::vector<Place> found_;
  size_t open_ = 0;  // the first number behind which no letter came yet
  Script letter_ = Script::none;
  size_t letter_end_ = std::string_view::npos;
  size_t stop_ = 0;             // behind the last full stop
  std::optional<size_t> sign_;  // right before
  bool has_kana_ = false;
};

// Between two numbers of unlike scripts: before the first letter that is not the left one's, else
// before the right number.
size_t cut_between(std::string_view text, const Place& left, const Place& right) {
  for (size_t at = left.end; at < right.begin; at = next(text, at)) {
    const Script script = script_of(code_at(text, at));
    if (script != Script::none && script != left.script) return at;
  }
  return right.begin;
}

std::string read_as(std::string_view text, Script script) {
  if (script == Script::hangul) return normalize_korean(text);
  if (script == Script::han) return normalize_chinese(text);
  if (script == Script::latin) return normalize_english(text);
  return std::string(text);
}

std::string read_sentence(std::string_view text) {
  const std::vector<Place> places = Places(text).take();
  if (places.empty()) return std::string(text);
  std::string out;
  size_t begin = 0;
  for (size_t i = 1; i < places.size(); ++i) {
    if (places[i].script == places[i - 1].script) continue;
    const size_t cut = cut_between(text, places[i - 1], places[i]);
    out += read_as(text.substr(begin, cut - begin), places[i - 1].script);
    begin = cut;
  }
  return out + read_as(text.substr(begin), places.back().script);
}

std::string read_by_script(std::string_view text) {
  std::string out;
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    const char32_t code = code_at(text, at);
    at = next(text, at);
    const bool ends = code == U'\n' || code == U'。' || code == U'！' || code == U'？';
    if (!ends && at < text.size()) continue;
    out += read_sentence(text.substr(begin, at - begin));
    begin = at;
  }
  return out;
}

}  // namespace

NumberReading number_reading(std::string_view name) {
  if (name == "none") return NumberReading::none;
  if (name == "zh") return NumberReading::chinese;
  if (name == "ko") return NumberReading::korean;
  if (name == "en") return NumberReading::english;
  if (name == "auto") return NumberReading::by_script;
  throw Error(ErrorKind::usage, "--normalize", "there is no \"" + std::string(name) + "\"",
              "give none, zh, ko, en or auto");
}

std::string read_numbers(std::string_view text, NumberReading reading) {
  switch (reading) {
    case NumberReading::chinese:
      return normalize_chinese(text);
    case NumberReading::korean:
      return normalize_korean(text);
    case NumberReading::english:
      return normalize_english(text);
    case NumberReading::by_script:
      base::to_utf32(text, "text");  // throws for invalid UTF-8
      return read_by_script(text);
    case NumberReading::none:
      base::to_utf32(text, "text");
      break;
  }
  return std::string(text);
}

}  // namespace koi::text
