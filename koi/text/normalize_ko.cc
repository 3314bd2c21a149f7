#include "koi/text/normalize_ko.h"

#include <optional>
#include <vector>

#include "koi/base/utf8.h"
#include "koi/text/korean_number.h"
#include "koi/text/korean_units.h"
#include "koi/text/number_scan.h"

namespace koi::text {
namespace {

constexpr size_t kSyllable = 3;  // bytes of a Hangul syllable

std::string spell_month(int month) {
  if (month == 6) return "유";
  if (month == 10) return "시";
  return korean_sino(std::to_string(month));
}

std::string spell_number(const Number& number) {
  std::string out = korean_sino(number.integer);
  if (!number.is_whole()) out += " 점 " + korean_fraction(number.fraction);
  return out;
}

std::string spell_date(const Date& date) {
  return korean_sino(date.year) + "년 " + spell_month(date.month) + "월 " +
         korean_sino(std::to_string(date.day)) + "일";
}

std::string join_digits(const std::vector<std::string_view>& groups) {
  std::string out;
  for (const std::string_view digits : groups)
    out += (out.empty() ? "" : " ") + korean_digits(digits);
  return out;
}

std::string join_sino(const std::vector<std::string_view>& groups, std::string_view word) {
  std::string out;
  for (const std::string_view digits : groups) {
    if (!out.empty()) out += word;
    out += korean_sino(digits);
  }
  return out;
}

// A telephone, resident or card number, where two groups may also be a range.
bool is_code(const Groups& groups) {
  if (groups.size() != 2) return groups.size() > 2;
  const std::string_view first = groups.digits[0], second = groups.digits[1];
  if (first.size() > 1 && first[0] == '0') return true;
  if (first.size() == 6 && second.size() == 7) return true;
  if (second.size() != 4) return false;
  // 1588-1234, but 1592-1598 are years.
  const bool service = first.size() == 4 && (first.starts_with("15") || first.starts_with("16") ||
                                             first.starts_with("18"));
  const bool years = second > first && second < "2100";
  return first.size() == 3 || (service && !years);
}

// The length of a sign of ranges at `at`; 0 where there is none.
size_t range_sign(std::string_view text, size_t at) {
  for (const std::string_view sign : {"~", "∼", "～", "〜", "-", "–"})
    if (starts_at(text, at, sign)) return sign.size();
  return 0;
}

size_t skip_spaces(std::string_view text, size_t at) {
  while (char_at(text, at) == ' ') ++at;
  return at;
}

class KoreanReader {
 public:
  explicit KoreanReader(std::string_view text) : text_(text) {}

  std::string run() {
    while (at_ < text_.size())
      if (!read_range() && !read_here()) out_ += text_[at_++];
    return std::move(out_);
  }

 private:
  bool say(const std::string& reading, size_t end) {
    out_ += reading;
    at_ = number_end_ = end;
    return true;
  }

  bool read_here() {
    const size_t sign = minus_at(text_, at_);
    const size_t begin = at_ + sign;
    if (const auto currency = find_currency(text_, begin)) {
      if (sign > 0) out_ += "마이너스 ";
      return read_money(*currency);
    }
    if (!is_digit(char_at(text_, begin))) return false;
    if (sign > 0) return read_negative(begin);
    return copy_formula() || read_groups() || read_counted() || read_plain();
  }

  // 에서 for the sign between two numbers. Between the first one and the sign there may be a word
  // (3월~5월).
  bool read_range() {
    constexpr size_t kLongestWord = 8 * kSyllable;
    const size_t sign = number_end_ == 0 ? 0 : range_sign(text_, at_);
    if (sign == 0 || at_ - number_end_ > kLongestWord) return false;
    const std::string_view between = text_.substr(number_end_, at_ - number_end_);
    const std::string_view word = between.substr(0, between.find(' '));
    for (const char c : word)
      if (static_cast<unsigned char>(c) < 0x80) return false;
    const bool spaced = word.size() < between.size();
    const size_t next = skip_spaces(text_, at_ + sign);
    const bool hyphen = text_[at_] == '-';
    if (hyphen && (spaced || next > at_ + sign)) return false;
    if (spaced && between.find_first_not_of(' ', word.size()) != std::string_view::npos)
      return false;
    const size_t digits = next + minus_at(text_, next);
    if (!is_digit(char_at(text_, digits)) && !find_currency(text_, next)) return false;
    while (out_.ends_with(' ')) out_.pop_back();
    out_ += "에서 ";
    at_ = next;
    return true;
  }

  // H2O: digits between Latin letters stay.
  bool copy_formula() {
    const size_t end = skip_digits(text_, at_);
    const bool inside = at_ > 0 && is_letter(text_[at_ - 1]) && is_letter(char_at(text_, end));
    if (!inside) return false;
    out_ += text_.substr(at_, end - at_);
    at_ = end;
    return true;
  }

  bool read_groups() {
    const Groups hyphens = scan_groups(text_, at_, "-");
    if (read_if_date(hyphens)) return true;
    if (is_code(hyphens)) return say(join_digits(hyphens.digits), hyphens.end);
    return read_dotted() || read_slashes() || read_clock() || read_day_name() || read_mobile();
  }

  bool read_if_date(const Groups& groups) {
    Date date;
    if (!read_date(groups, date)) return false;
    return say(spell_date(date), groups.end);
  }

  bool read_dotted() {
    const Groups dots = scan_groups(text_, at_, ".");
    if (read_if_date(dots) || read_if_date(scan_groups(text_, at_, ". ", 4))) return true;
    if (dots.size() < 3) return false;
    if (dots.digits[0].starts_with("0") && is_code(dots))  // 010.1234.5678
      return say(join_digits(dots.digits), dots.end);
    return say(join_sino(dots.digits, " 점 "), dots.end);
  }

  bool read_slashes() {
    const Groups slashes = scan_groups(text_, at_, "/");
    if (slashes.size() < 2) return false;
    if (read_if_date(slashes)) return true;
    if (slashes.size() > 2) return say(join_sino(slashes.digits, "/"), slashes.end);
    return say(korean_sino(slashes.digits[1]) + "분의 " + korean_sino(slashes.digits[0]),
               slashes.end);
  }

  // A time of day, or else a score or ratio.
  bool read_clock() {
    const Groups colons = scan_groups(text_, at_, ":");
    if (colons.size() < 2) return false;
    bool clock =
        colons.size() <= 3 && colons.digits[0].size() <= 2 && small_value(colons.digits[0]) <= 24;
    for (size_t i = 1; i < colons.size(); ++i)
      clock = clock && colons.digits[i].size() == 2 && small_value(colons.digits[i]) < 60;
    if (!clock) return say(join_sino(colons.digits, " 대 "), colons.end);
    const std::string hour = std::to_string(small_value(colons.digits[0]));
    std::string out = read_before_counter(hour, "시").value_or(korean_sino(hour)) + " 시";
    const char* names[] = {"분", "초"};
    for (size_t i = 1; i < colons.size(); ++i)
      if (small_value(colons.digits[i]) > 0)
        out += " " + korean_sino(colons.digits[i]) + names[i - 1];
    return say(out, colons.end);
  }

  // 4·19: days that are remembered, month and then the digits of the day; 6·10 is 육십, 12·12
  // 십이십이. What is no day (20·30대) stays two numbers.
  bool read_day_name() {
    const Groups days = scan_groups(text_, at_, "·");
    if (days.size() < 2) return false;
    const std::string_view first = days.digits[0], second = days.digits[1];
    const int month = small_value(first), day = small_value(second);
    const bool named = days.size() == 2 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
    if (!named) return say(join_sino(days.digits, "·"), days.end);
    const bool whole = day % 10 == 0 || day == month;
    return say(korean_sino(first) + (whole ? korean_sino(second) : korean_fraction(second)),
               days.end);
  }

  // 01012345678.
  bool read_mobile() {
    const size_t end = skip_digits(text_, at_);
    if (end - at_ != 11 || !starts_at(text_, at_, "01")) return false;
    const std::string_view digits = text_.substr(at_, 11);
    return say(join_digits({digits.substr(0, 3), digits.substr(3, 4), digits.substr(7)}), end);
  }

  bool read_money(const Found<Currency>& found) {
    const Currency& currency = *found.entry;
    const Number number = scan_number(text_, found.end);
    size_t end = number.end;
    for (const std::string_view all = "백천만억조";
         hangul_at(text_, end) && all.find(text_.substr(end, kSyllable)) != std::string_view::npos;)
      end += kSyllable;
    const std::string name(currency.name);
    const std::string_view scale = text_.substr(number.end, end - number.end);
    if (!scale.empty() || currency.cent.empty() || number.fraction.size() != 2) {
      return say(spell_scaled(number, scale) + std::string(scale) + " " + name, end);
    }
    const std::string whole = korean_sino(number.integer) + " " + name;
    if (number.fraction == "00") return say(whole, end);
    const std::string cents = korean_sino(number.fraction) + " " + std::string(currency.cent);
    return say(small_value(number.integer) == 0 ? cents : whole + " " + cents, end);
  }

  // Before 백, 천 and 만, as before 십 inside of a number, 일 is left out.
  static std::string spell_scaled(const Number& number, std::string_view scale) {
    const bool bare = scale.starts_with("백") || scale.starts_with("천") || scale.starts_with("만");
    return bare && number.is_whole() && number.integer == "1" ? "" : spell_number(number);
  }

  bool read_negative(size_t begin) {
    const Number number = scan_number(text_, begin);
    const auto unit = find_unit(text_, number.end);
    const bool cold = (unit && unit->entry->before == "섭씨 ") ||
                      starts_at(text_, skip_spaces(text_, number.end), "도");
    const std::string minus = cold ? "영하 " : "마이너스 ";
    if (unit) return say_unit(minus + spell_number(number), *unit);
    return say(minus + spell_number(number), number.end);
  }

  bool say_unit(const std::string& number, const Found<Unit>& found) {
    out_ += found.entry->before;
    return say(number + " " + std::string(found.entry->name), found.end);
  }

  // Native numbers. In 3~5명 both are.
  bool read_counted() {
    const Number number = scan_number(text_, at_);
    if (!number.is_whole() || follows_je()) return false;
    std::optional<Counter> counter = find_counter(text_, number.end);
    size_t end = counter ? counter->end : number.end;
    if (!counter) {
      const size_t sign = skip_spaces(text_, number.end);
      const size_t length = range_sign(text_, sign);
      const size_t second = skip_spaces(text_, sign + length);
      if (length == 0 || !is_digit(char_at(text_, second))) return false;
      const Number other = scan_number(text_, second);
      if (other.is_whole()) counter = find_counter(text_, other.end);
    }
    if (!counter) return false;
    const auto native = read_before_counter(number.integer, counter->word);
    if (!native) return false;
    return say(*native + " " + std::string(counter->word), end);
  }

  // 제3장: 제 makes an ordinal, which is Sino-Korean.
  bool follows_je() const {
    const size_t before = at_ > 0 && text_[at_ - 1] == ' ' ? at_ - 1 : at_;
    return before >= kSyllable && starts_at(text_, before - kSyllable, "제") &&
           (before < 2 * kSyllable || !hangul_at(text_, before - 2 * kSyllable));
  }

  bool read_plain() {
    const Number number = scan_number(text_, at_);
    const std::string_view rest = text_.substr(number.end);
    if (const auto unit = find_unit(text_, number.end))
      return say_unit(spell_number(number), *unit);
    const int value = small_value(number.integer);
    if (number.is_whole() && number.integer.size() <= 2) {
      if (rest.starts_with("월") && value > 0 && value <= 12)
        return say(spell_month(value), number.end);
      for (const std::string_view name : {"일", "시", "분", "초"})
        if (rest.starts_with(name)) return say(korean_sino(number.integer), number.end);
    }
    if (number.is_whole() && number.integer.size() > 1 && number.integer[0] == '0')
      return say(korean_digits(number.integer), number.end);
    return say(spell_scaled(number, rest), number.end);
  }

  std::string_view text_;
  std::string out_;
  size_t at_ = 0;
  size_t number_end_ = 0;  // of the last number; 0 before the first
};

}  // namespace

std::string normalize_korean(std::string_view text) {
  base::to_utf32(text, "text");  // throws for invalid UTF-8
  return KoreanReader(text).run();
}

}  // namespace koi::text
