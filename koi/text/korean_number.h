// Numbers read out in Korean. Source: the National Institute of Korean Language's rules
// (한글 맞춤법 제44항: numbers are parted by 만). Internal to koi/text.
#pragma once

#include <string>
#include <string_view>

namespace koi::text {

// `digits` is a whole number in ASCII digits, not empty.

// Sino-Korean: 십이만 삼천사백오십육. 일 is left out before 십, 백, 천 and a leading 만; 0 is 영.
// From 10^20 on (beyond 경) digit by digit.
std::string korean_sino(std::string_view digits);
// Digit by digit as telephone numbers are said: 공일공.
std::string korean_digits(std::string_view digits);
// The same for what follows a decimal point: 0 is 영.
std::string korean_fraction(std::string_view digits);

// Native, as it stands before a counter: 한, 두, 스무, 스물한. From 100 on only the last part of 1
// to 9 is native (백한, 백이십삼). Sino-Korean where there is no native number (0).
std::string korean_native(std::string_view digits);

}  // namespace koi::text
