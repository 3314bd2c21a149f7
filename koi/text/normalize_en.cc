#include "koi/text/normalize_en.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "koi/base/utf8.h"
#include "koi/text/english_number.h"
#include "koi/text/english_units.h"
#include "koi/text/number_scan.h"

namespace koi::text {
namespace {

std::string read_decimal(const Number& number) {
  std::string out = english_cardinal(number.integer);
  if (!number.is_whole()) out += " point " + english_digits(number.fraction);
  return out;
}

bool is_one(const Number& number) { return number.is_whole() && number.integer == "1"; }

std::string amount(std::string_view count, std::string_view one, std::string_view many) {
  return english_cardinal(count) + " " + std::string(small_value(count) == 1 ? one : many);
}

std::string join(const std::vector<std::string_view>& groups, std::string (*read)(std::string_view),
                 std::string_view between) {
  std::string out;
  for (const std::string_view digits : groups) {
    if (!out.empty()) out += between;
    out += read(digits);
  }
  return out;
}

std::string day_of(int month, std::string_view day) {
  return std::string(month_name(month)) + " " + english_ordinal(day);
}

// 555-123-4567, 123-45-6789; two groups as a rule are a range.
bool is_code(const Groups& groups) {
  if (groups.size() != 2) return groups.size() > 2;
  return groups.digits[0].size() == 3 && groups.digits[1].size() == 4 && groups.digits[0][0] > '1';
}

class EnglishReader {
 public:
  explicit EnglishReader(std::string_view text) : text_(text) {}

  std::string run() {
    while (at_ < text_.size())
      if (!read_here()) out_ += text_[at_++];
    return std::move(out_);
  }

 private:
  // A sign between this and another number is a range.
  bool say(const std::string& reading, size_t end) {
    out_ += reading;
    at_ = end;
    for (const std::string_view sign : {"-", "–", "~"}) {
      const size_t next = at_ + sign.size();
      if (!starts_at(text_, at_, sign)) continue;
      if (!is_digit(char_at(text_, next)) && !find_english_currency(text_, next)) continue;
      out_ += " to ";
      at_ = next;
      break;
    }
    return true;
  }

  bool read_here() {
    const char before = at_ == 0 ? '\0' : text_[at_ - 1];
    const bool joined = is_letter(before) || before == '_';
    if (joined && copy_word()) return true;
    if (!joined && starts_at(text_, at_, "#") && is_digit(char_at(text_, at_ + 1)))
      return copy_as("number ", at_ + 1);
    const size_t begin = at_ + minus_at(text_, at_);
    const auto currency = find_english_currency(text_, begin);
    const bool point = !joined && !is_digit(before) && char_at(text_, begin) == '.' &&
                       is_digit(char_at(text_, begin + 1));
    if (!currency && !point && !is_digit(char_at(text_, begin))) return false;
    if (begin > at_) copy_as("minus ", begin);
    if (joined) out_ += ' ';  // US$5
    if (currency) return read_money(*currency);
    if (point) return read_bare_fraction();
    return read_area() || read_groups() || read_day() || read_suffixed() || read_number();
  }

  bool copy_as(std::string_view words, size_t end) {
    out_ += words;
    at_ = end;
    return true;
  }

  // Letters, and digits that are joined to them: v1.5.
  bool copy_word() {
    size_t end = skip_word(text_, at_);
    if (end == at_) return false;
    while (char_at(text_, end) == '.' && is_digit(char_at(text_, end + 1)))
      end = skip_word(text_, end + 1);
    return copy_as(text_.substr(at_, end - at_), end);
  }

  bool read_money(const Found<EnglishCurrency>& found) {
    const EnglishCurrency& currency = *found.entry;
    const Number number = scan_number(text_, found.end);
    const std::string_view scale = find_scale(text_, number.end);
    if (is_letter(char_at(text_, number.end)))  // $5M
      return copy_as(text_.substr(at_, number.end - at_), number.end);
    if (!scale.empty() || currency.cent.empty() || number.fraction.size() != 2) {
      const bool one = scale.empty() && is_one(number);
      return say(read_decimal(number) + std::string(scale) + " " +
                     std::string(one ? currency.one : currency.many),
                 number.end + scale.size());
    }
    const std::string cents = amount(number.fraction, currency.cent, currency.cents);
    const std::string whole = amount(number.integer, currency.one, currency.many);
    if (number.fraction == "00") return say(whole, number.end);
    return say(number.integer == "0" ? cents : whole + " and " + cents, number.end);
  }

  bool read_bare_fraction() {
    const size_t end = skip_digits(text_, at_ + 1);
    return say("point " + english_digits(text_.substr(at_ + 1, end - at_ - 1)), end);
  }

  // (555) 123-4567, from the area code on.
  bool read_area() {
    const size_t end = skip_digits(text_, at_);
    const bool area = end - at_ == 3 && at_ > 0 && text_[at_ - 1] == '(';
    if (!area || !starts_at(text_, end, ") ")) return false;
    const Groups rest = scan_groups(text_, end + 2, "-");
    if (rest.size() != 2 || rest.digits[0].size() != 3 || rest.digits[1].size() != 4) return false;
    return say(
        english_digits(text_.substr(at_, 3)) + ") " + join(rest.digits, english_digits, ", "),
        rest.end);
  }

  bool read_groups() {
    const Groups hyphens = scan_groups(text_, at_, "-");
    Date date;
    if (read_date(hyphens, date)) {
      return say(day_of(date.month, hyphens.digits[2]) + ", " + english_year(date.year),
                 hyphens.end);
    }
    if (is_code(hyphens)) return say(join(hyphens.digits, english_digits, ", "), hyphens.end);
    const Groups dots = scan_groups(text_, at_, ".");
    if (dots.size() > 2) return say(join(dots.digits, english_cardinal, " point "), dots.end);
    return read_slashes() || read_clock();
  }

  // 1/2, or a date of the two orders if only one of them can be.
  bool read_slashes() {
    const Groups slashes = scan_groups(text_, at_, "/");
    if (slashes.size() < 2) return false;
    if (slashes.size() == 2)
      return say(english_fraction(slashes.digits[0], slashes.digits[1]), slashes.end);
    const auto read_plain = [](std::string_view digits) {
      return digits.size() == 4 ? english_year(digits) : english_cardinal(digits);
    };
    std::string_view month = slashes.digits[0], day = slashes.digits[1];
    if (small_value(month) > 12) std::swap(month, day);
    const int month_value = small_value(month), day_value = small_value(day);
    const bool date = slashes.size() == 3 && slashes.digits[2].size() == 4 && month_value >= 1 &&
                      month_value <= 12 && day_value > 12 && day_value <= 31;
    if (!date) return say(join(slashes.digits, read_plain, "/"), slashes.end);
    return say(day_of(month_value, day) + ", " + english_year(slashes.digits[2]), slashes.end);
  }

  // A time of day, or else a score or ratio.
  bool read_clock() {
    const Groups colons = scan_groups(text_, at_, ":");
    if (colons.size() < 2) return false;
    bool clock =
        colons.size() <= 3 && colons.digits[0].size() <= 2 && small_value(colons.digits[0]) <= 24;
    for (size_t i = 1; i < colons.size(); ++i)
      clock = clock && colons.digits[i].size() == 2 && small_value(colons.digits[i]) < 60;
    if (!clock) return say(join(colons.digits, english_cardinal, " to "), colons.end);
    std::string out = english_cardinal(colons.digits[0]);
    const std::string_view minutes = colons.digits[1];
    if (small_value(minutes) > 0) {
      out += (minutes[0] == '0' ? " oh " : " ") + english_cardinal(minutes);
    } else if (half_of_day(colons.end) == 0 && colons.size() == 2) {
      out += " o'clock";
    }
    if (colons.size() == 3) out += " and " + amount(colons.digits[2], "second", "seconds");
    return say_time(out, colons.end);
  }

  // The length of am, PM and so on at `at`, behind one space or none; 0 where there is none.
  size_t half_of_day(size_t at) const {
    const size_t begin = char_at(text_, at) == ' ' ? at + 1 : at;
    for (const std::string_view half : {"am", "pm", "AM", "PM", "a.m.", "p.m.", "A.M.", "P.M."}) {
      const size_t end = begin + half.size();
      if (starts_at(text_, begin, half) && skip_word(text_, end) == end) return end - at;
    }
    return 0;
  }

  bool say_time(const std::string& time, size_t end) {
    const size_t length = half_of_day(end);
    const bool joined = length > 0 && text_[end] != ' ';
    return say(time + (joined ? " " : "") + std::string(text_.substr(end, length)), end + length);
  }

  // June 5, 5 June, and the year behind them.
  bool read_day() {
    const size_t end = skip_digits(text_, at_);
    const std::string_view day = text_.substr(at_, end - at_);
    const bool is_day = day.size() <= 2 && small_value(day) >= 1 && small_value(day) <= 31;
    if (!is_day || is_letter(char_at(text_, end))) return false;
    const std::string_view word = word_before(text_, at_);
    const char next = char_at(text_, end);
    const bool ends = !(next == '.' && is_digit(char_at(text_, end + 1))) && next != '%';
    if (month_at(word, 0) > 0 && at_ > 0 && text_[at_ - 1] == ' ' && ends)
      return say_with_year(english_ordinal(day), end);
    if (next != ' ') return false;
    const int month = month_at(text_, end + 1);
    if (month == 0) return false;
    const std::string the = word == "the" || word == "The" ? "" : "the ";
    return say_with_year(the + english_ordinal(day) + " of " + std::string(month_name(month)),
                         end + 1 + month_name(month).size());
  }

  bool say_with_year(const std::string& day, size_t end) {
    size_t year = char_at(text_, end) == ',' ? end + 1 : end;
    const std::string between(text_.substr(end, year - end));
    if (char_at(text_, year) != ' ' || skip_word(text_, year + 1) - year != 5) return say(day, end);
    if (skip_digits(text_, year + 1) - year != 5) return say(day, end);
    return say(day + between + " " + english_year(text_.substr(year + 1, 4)), year + 5);
  }

  // 21st, 1990s, 3pm; other letters behind a number leave it alone.
  bool read_suffixed() {
    const Number number = scan_number(text_, at_);
    if (!number.is_whole()) return false;
    const size_t end = number.end;
    const size_t word = skip_word(text_, end);
    const std::string& digits = number.integer;
    if (half_of_day(end) > 0) return say_time(english_cardinal(digits), end);
    if (word == end || find_english_unit(text_, end)) return false;
    const std::string_view suffix = text_.substr(end, word - end);
    if (suffix == "s" && digits.size() == 4 && digits[3] == '0')
      return say(english_plural(english_year(digits)), word);
    if (suffix == "s" && digits.size() == 2 && digits[1] == '0')
      return say(english_plural(english_cardinal(digits)), word);
    if (suffix == "st" || suffix == "nd" || suffix == "rd" || suffix == "th")
      return say(english_ordinal(digits), word);
    return copy_word();
  }

  bool read_number() {
    const Number number = scan_number(text_, at_);
    if (const auto unit = find_english_unit(text_, number.end)) {
      return say(read_decimal(number) + " " +
                     std::string(is_one(number) ? unit->entry->one : unit->entry->many),
                 unit->end);
    }
    if (is_letter(char_at(text_, number.end)))
      return copy_as(text_.substr(at_, number.end - at_), number.end);
    if (is_year(number)) return say(english_year(number.integer), number.end);
    const bool zeros = number.is_whole() && number.integer.size() > 1 && number.integer[0] == '0';
    std::string out = zeros ? english_digits(number.integer) : read_decimal(number);
    // 1 1/2.
    if (number.is_whole() && char_at(text_, number.end) == ' ' &&
        is_digit(char_at(text_, number.end + 1)) &&
        scan_groups(text_, number.end + 1, "/", 3).size() == 2) {
      out += " and";
    }
    return say(out, number.end);
  }

  bool is_year(const Number& number) const {
    constexpr std::array<std::string_view, 11> kCues{"in", "In", "since", "Since", "until", "year",
                                                     "by", "By", "from",  "From",  "circa"};
    if (!number.is_whole() || number.grouped || number.integer.size() != 4) return false;
    const int value = small_value(number.integer);
    if (value >= 1900 && value < 2100) return true;
    const std::string_view word = word_before(text_, at_);
    const bool cued = std::find(kCues.begin(), kCues.end(), word) != kCues.end();
    return value >= 1100 && (cued || month_at(word, 0) > 0 || is_year_range(number));
  }

  // 1861-1865, on both sides of the sign.
  bool is_year_range(const Number& number) const {
    const auto year_at = [this](size_t at) {
      return skip_word(text_, at) == at + 4 && skip_digits(text_, at) == at + 4 &&
             char_at(text_, at) == '1';
    };
    for (const std::string_view sign : {"-", "–"}) {
      if (starts_at(text_, number.end, sign) && year_at(number.end + sign.size())) return true;
      const size_t before = sign.size() + 4;
      if (at_ >= before && starts_at(text_, at_ - sign.size(), sign) && year_at(at_ - before))
        return true;
    }
    return false;
  }

  std::string_view text_;
  std::string out_;
  size_t at_ = 0;
};

}  // namespace

std::string normalize_english(std::string_view text) {
  base::to_utf32(text, "text");  // throws for invalid UTF-8
  const std::string expanded = expand_abbreviations(text);
  return EnglishReader(expanded).run();
}

}  // namespace koi::text
