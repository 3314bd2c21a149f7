#include "koi/text/chinese_number.h"

#include <algorithm>
#include <array>

#include "koi/text/unicode.h"

namespace koi::text {
namespace {

struct Unit {
  size_t power;  // of ten
  char32_t name;
};

constexpr std::array<Unit, 14> kUnits{{{1, U'十'},
                                       {2, U'百'},
                                       {3, U'千'},
                                       {4, U'万'},
                                       {8, U'亿'},
                                       {12, U'兆'},
                                       {16, U'京'},
                                       {20, U'垓'},
                                       {24, U'秭'},
                                       {28, U'穰'},
                                       {32, U'沟'},
                                       {36, U'涧'},
                                       {40, U'正'},
                                       {44, U'载'}}};

bool is_large_unit(char32_t code) {
  return code != U'十' && std::any_of(kUnits.begin(), kUnits.end(),
                                      [code](const Unit& unit) { return unit.name == code; });
}

char32_t name_of(char32_t digit) {
  constexpr std::u32string_view kNames = U"零一二三四五六七八九";
  return kNames[static_cast<size_t>(decimal_digit_value(digit))];
}

void append_digits(std::u32string_view digits, std::u32string& out) {
  std::transform(digits.begin(), digits.end(), std::back_inserter(out), name_of);
}

void append_with_units(std::u32string_view digits, std::u32string& out) {
  const size_t zeros = digits.find_first_not_of(U'0');
  if (zeros == std::u32string_view::npos) return;
  const size_t left = digits.size() - zeros;
  if (left == 1) {
    if (zeros > 0) out.push_back(U'零');
    out.push_back(name_of(digits.back()));
    return;
  }
  const auto unit = std::find_if(kUnits.rbegin(), kUnits.rend(),
                                 [left](const Unit& u) { return u.power < left; });
  const size_t high = digits.size() - unit->power;
  append_with_units(digits.substr(0, high), out);
  out.push_back(unit->name);
  append_with_units(digits.substr(high), out);
}

// 二百 is said 两百, after another unit too: 两万两千, but 十二万, 零二百.
void say_liang(std::u32string& reading) {
  for (size_t i = 0; i + 1 < reading.size(); ++i) {
    const bool at_unit = i == 0 || is_large_unit(reading[i - 1]);
    if (reading[i] == U'二' && at_unit && is_large_unit(reading[i + 1])) reading[i] = U'两';
  }
}

void append_fraction(std::u32string_view fraction, std::u32string& out) {
  if (fraction.empty()) return;
  if (out.empty()) out.push_back(U'零');
  out.push_back(U'点');
  append_digits(fraction, out);
}

struct Parts {
  std::u32string_view integer, fraction;
};

Parts parts_of(std::u32string_view number) {
  const size_t point = std::min(number.find(U'.'), number.size());
  return {number.substr(0, point), number.substr(std::min(point + 1, number.size()))};
}

}  // namespace

std::u32string chinese_cardinal(std::u32string_view number) {
  const Parts parts = parts_of(number);
  std::u32string out;
  if (parts.integer.size() == 1) {
    append_digits(parts.integer, out);
  } else {
    append_with_units(parts.integer, out);
    say_liang(out);
    if (out.starts_with(U"一十")) out.erase(0, 1);
  }
  append_fraction(parts.fraction, out);
  return out;
}

std::u32string chinese_digits(std::u32string_view number) {
  const Parts parts = parts_of(number);
  std::u32string out;
  append_digits(parts.integer, out);
  append_fraction(parts.fraction, out);
  return out;
}

}  // namespace koi::text
