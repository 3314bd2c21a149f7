#include "koi/text/korean_number.h"

#include <algorithm>
#include <array>

namespace koi::text {
namespace {

using Names = std::array<std::string_view, 10>;

constexpr Names kSino{"영", "일", "이", "삼", "사", "오", "육", "칠", "팔", "구"};
constexpr Names kNativeOnes{"", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉"};
constexpr Names kNativeTens{"", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔"};
constexpr std::array<std::string_view, 4> kUnits{"", "십", "백", "천"};
constexpr std::array<std::string_view, 5> kLargeUnits{"", "만", "억", "조", "경"};
constexpr size_t kMostDigits = 4 * kLargeUnits.size();

size_t value_of(char digit) { return static_cast<size_t>(digit - '0'); }

std::string_view without_zeros(std::string_view digits) {
  return digits.substr(std::min(digits.find_first_not_of('0'), digits.size()));
}

std::string spell(std::string_view digits, const Names& names) {
  std::string out;
  for (const char digit : digits) out += names[value_of(digit)];
  return out;
}

// Up to four digits.
std::string read_four(std::string_view digits) {
  std::string out;
  for (size_t i = 0; i < digits.size(); ++i) {
    const size_t power = digits.size() - 1 - i;
    if (digits[i] == '0') continue;
    if (digits[i] != '1' || power == 0) out += kSino[value_of(digits[i])];
    out += kUnits[power];
  }
  return out;
}

}  // namespace

std::string korean_sino(std::string_view digits) {
  const std::string_view rest = without_zeros(digits);
  if (rest.empty()) return std::string(kSino[0]);
  if (rest.size() > kMostDigits) return spell(digits, kSino);
  std::string out;
  for (size_t at = 0; at < rest.size();) {
    const size_t unit = (rest.size() - at - 1) / 4;
    const size_t count = rest.size() - at - 4 * unit;
    const std::string part = read_four(rest.substr(at, count));
    at += count;
    if (part.empty()) continue;
    const bool bare = out.empty() && unit == 1 && part == kSino[1];  // 만, not 일만
    if (!out.empty()) out += ' ';
    if (!bare) out += part;
    out += kLargeUnits[unit];
  }
  return out;
}

std::string korean_digits(std::string_view digits) {
  Names names = kSino;
  names[0] = "공";
  return spell(digits, names);
}

std::string korean_fraction(std::string_view digits) { return spell(digits, kSino); }

std::string korean_native(std::string_view digits) {
  const std::string_view rest = without_zeros(digits);
  if (rest == "20") return "스무";
  if (rest.size() == 1) return std::string(kNativeOnes[value_of(rest[0])]);
  if (rest.size() == 2) {
    return std::string(kNativeTens[value_of(rest[0])]) +
           std::string(kNativeOnes[value_of(rest[1])]);
  }
  std::string sino = korean_sino(digits);
  const bool ends_natively =
      !rest.empty() && rest.size() <= kMostDigits && rest[rest.size() - 2] == '0';
  if (!ends_natively || rest.back() == '0') return sino;
  const std::string_view one = kSino[value_of(rest.back())];
  sino.replace(sino.size() - one.size(), one.size(), kNativeOnes[value_of(rest.back())]);
  return sino;
}

}  // namespace koi::text
