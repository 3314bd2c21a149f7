// Numbers and signs in a Korean text written as they are said. Source: the National Institute of
// Korean Language's rules (한글 맞춤법, 표준어 규정); nothing of the reference's, which reads every
// number in Chinese.
#pragma once

#include <string>
#include <string_view>

namespace koi::text {

// Native numbers stand before the counters that take them, with a space (세 개, 스무 살, 첫 번째,
// 세 시), Sino-Korean ones elsewhere, with the text's own spacing (삼십분, 유월, 이천이십사년).
// Numbers are parted by 만, from 10^20 on read digit by digit. Telephone numbers, dates, times,
// fractions, ranges, money, percentages, temperatures and units in letters (km, kg) are spelled
// out; other letters, and digits between letters (H2O), are left alone. Only ASCII digits are read.
// Linear time. Throws Error(corrupt) for invalid UTF-8.
std::string normalize_korean(std::string_view text);

}  // namespace koi::text
