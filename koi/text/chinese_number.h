// Numbers read out in Chinese. Source: the reference's behaviour, measured; cases in
// tests/goldens/text/normalize_zh/numbers.json. Internal to koi/text.
#pragma once

#include <string>
#include <string_view>

namespace koi::text {

// `number` is Unicode decimal digits, and a point with more of them or not.

// With units up to 载 (10^44): 2000000002 is 二十亿零二, 200 两百, 3.05 三点零五; all zeros are
// nothing.
std::u32string chinese_cardinal(std::u32string_view number);
// Digit by digit: 2024 is 二零二四.
std::u32string chinese_digits(std::u32string_view number);

}  // namespace koi::text
