#include "koi/text/english_number.h"

#include <algorithm>
#include <array>

#include "koi/text/number_scan.h"

namespace koi::text {
namespace {

constexpr std::array<std::string_view, 20> kSmall{
    "zero",     "one",     "two",     "three",     "four",     "five",    "six",
    "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",  "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
constexpr std::array<std::string_view, 10> kTens{"",      "",      "twenty",  "thirty", "forty",
                                                 "fifty", "sixty", "seventy", "eighty", "ninety"};
constexpr std::array<std::string_view, 6> kScales{"",         " thousand", " million",
                                                  " billion", " trillion", " quadrillion"};
constexpr size_t kMostDigits = 3 * kScales.size();

std::string below_hundred(int value) {
  if (value < 20) return std::string(kSmall[static_cast<size_t>(value)]);
  std::string out(kTens[static_cast<size_t>(value / 10)]);
  if (value % 10 > 0) out += "-" + std::string(kSmall[static_cast<size_t>(value % 10)]);
  return out;
}

std::string below_thousand(int value) {
  if (value < 100) return below_hundred(value);
  std::string out = std::string(kSmall[static_cast<size_t>(value / 100)]) + " hundred";
  if (value % 100 > 0) out += " " + below_hundred(value % 100);
  return out;
}

std::string_view without_zeros(std::string_view digits) {
  return digits.substr(std::min(digits.find_first_not_of('0'), digits.size() - 1));
}

// The last word as an ordinal.
std::string to_ordinal(std::string name) {
  struct Irregular {
    std::string_view cardinal, ordinal;
  };
  constexpr std::array<Irregular, 7> kIrregular{{{"one", "first"},
                                                 {"two", "second"},
                                                 {"three", "third"},
                                                 {"five", "fifth"},
                                                 {"eight", "eighth"},
                                                 {"nine", "ninth"},
                                                 {"twelve", "twelfth"}}};
  const size_t word = name.find_last_of(" -") + 1;  // 0 where there is one word
  for (const Irregular& irregular : kIrregular)
    if (std::string_view(name).substr(word) == irregular.cardinal)
      return name.replace(word, std::string::npos, irregular.ordinal);
  if (name.ends_with('y')) name.replace(name.size() - 1, 1, "ie");
  return name + "th";
}

}  // namespace

std::string english_digits(std::string_view digits) {
  std::string out;
  for (const char digit : digits) {
    if (!out.empty()) out += ' ';
    out += kSmall[static_cast<size_t>(digit - '0')];
  }
  return out;
}

std::string english_cardinal(std::string_view digits) {
  const std::string_view rest = without_zeros(digits);
  if (rest.size() > kMostDigits) return english_digits(digits);
  std::string out;
  for (size_t at = 0; at < rest.size();) {
    const size_t scale = (rest.size() - at - 1) / 3;
    const size_t count = rest.size() - at - 3 * scale;
    const int value = small_value(rest.substr(at, count));
    at += count;
    if (value == 0 && rest.size() > 1) continue;
    if (!out.empty()) out += ' ';
    out += below_thousand(value) + std::string(kScales[scale]);
  }
  return out;
}

std::string english_ordinal(std::string_view digits) {
  return to_ordinal(english_cardinal(digits));
}

std::string english_year(std::string_view digits) {
  const int high = small_value(digits.substr(0, 2)), low = small_value(digits.substr(2));
  if (high % 10 == 0 && low < 10) return english_cardinal(digits);
  const std::string century = below_hundred(high);
  if (low == 0) return century + " hundred";
  return century + (low < 10 ? " oh " : " ") + below_hundred(low);
}

std::string english_plural(std::string name) {
  if (name.ends_with('y')) return name.replace(name.size() - 1, 1, "ies");
  return name + (name.ends_with('x') ? "es" : "s");
}

std::string english_fraction(std::string_view upper, std::string_view lower) {
  const int numerator = small_value(upper), denominator = small_value(lower);
  const std::string count = english_cardinal(upper);
  if (numerator < 1 || denominator > 100 || denominator <= numerator)
    return count + " over " + english_cardinal(lower);
  std::string part = english_ordinal(lower);
  if (denominator == 2) part = "half";
  if (denominator == 4) part = "quarter";
  return count + " " + (numerator == 1 ? part : english_plural(part));
}

}  // namespace koi::text
