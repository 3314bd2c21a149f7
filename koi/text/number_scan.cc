#include "koi/text/number_scan.h"

namespace koi::text {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

char char_at(std::string_view text, size_t at) { return at < text.size() ? text[at] : '\0'; }

bool starts_at(std::string_view text, size_t at, std::string_view what) {
  return at <= text.size() && text.substr(at).starts_with(what);
}

size_t skip_digits(std::string_view text, size_t at) {
  while (is_digit(char_at(text, at))) ++at;
  return at;
}

size_t skip_word(std::string_view text, size_t at) {
  while (is_digit(char_at(text, at)) || is_letter(char_at(text, at))) ++at;
  return at;
}

size_t minus_at(std::string_view text, size_t at) {
  constexpr std::string_view kBefore = " \t\n([{\"'=:,/~";
  if (at > 0 && kBefore.find(text[at - 1]) == std::string_view::npos) return 0;
  for (const std::string_view sign : {"-", "−"})
    if (starts_at(text, at, sign)) return sign.size();
  return 0;
}

namespace {

// Takes in groups of three digits behind commas, unless one of another length is among them.
void take_thousands(std::string_view text, Number& number) {
  constexpr size_t kMostGroups = 16;  // bounds the time that a long list of numbers costs
  if (number.integer.size() > 3 || number.integer[0] == '0') return;
  std::string integer = number.integer;
  size_t end = number.end;
  for (size_t groups = 0; char_at(text, end) == ',' && is_digit(char_at(text, end + 1)); ++groups) {
    if (groups == kMostGroups || skip_digits(text, end + 1) - end != 4) return;
    integer += text.substr(end + 1, 3);
    end += 4;
  }
  number.grouped = end > number.end;
  number.integer = integer;
  number.end = end;
}

}  // namespace

Number scan_number(std::string_view text, size_t at) {
  Number number;
  number.end = skip_digits(text, at);
  number.integer = text.substr(at, number.end - at);
  take_thousands(text, number);
  if (char_at(text, number.end) == '.' && is_digit(char_at(text, number.end + 1))) {
    const size_t begin = number.end + 1;
    number.end = skip_digits(text, begin);
    number.fraction = text.substr(begin, number.end - begin);
  }
  return number;
}

Groups scan_groups(std::string_view text, size_t at, std::string_view separator, size_t most) {
  Groups groups;
  for (size_t begin = at; groups.size() < most; begin = groups.end + separator.size()) {
    const size_t end = skip_digits(text, begin);
    if (end == begin) break;
    groups.digits.push_back(text.substr(begin, end - begin));
    groups.end = end;
    if (!starts_at(text, end, separator)) break;
  }
  return groups;
}

int small_value(std::string_view digits) {
  if (digits.size() > 9) return -1;
  int value = 0;
  for (const char c : digits) value = 10 * value + (c - '0');
  return value;
}

bool read_date(const Groups& groups, Date& date) {
  if (groups.size() != 3 || groups.digits[0].size() != 4) return false;
  if (groups.digits[1].size() > 2 || groups.digits[2].size() > 2) return false;
  date = {groups.digits[0], small_value(groups.digits[1]), small_value(groups.digits[2])};
  return date.month >= 1 && date.month <= 12 && date.day >= 1 && date.day <= 31;
}

}  // namespace koi::text
