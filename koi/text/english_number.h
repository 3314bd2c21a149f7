// Numbers read out in (American) English. Internal to koi/text.
#pragma once

#include <string>
#include <string_view>

namespace koi::text {

// `digits` is a whole number in ASCII digits, not empty.

// "one hundred twenty-three". From 10^18 on (beyond quadrillions) digit by digit.
std::string english_cardinal(std::string_view digits);
// "twenty-first"; "number" + "th" where it is read digit by digit.
std::string english_ordinal(std::string_view digits);
// "one two three".
std::string english_digits(std::string_view digits);
// Four digits as a year: "nineteen oh five", "two thousand five", "twenty ten".
std::string english_year(std::string_view digits);
// The name of many: "nineteen nineties" of "nineteen ninety".
std::string english_plural(std::string name);
// "one half", "three quarters", "two thirds"; "five over one" where it is no part of a whole.
std::string english_fraction(std::string_view upper, std::string_view lower);

}  // namespace koi::text
