// Numbers, signs and safe abbreviations in an English text written as they are said (American
// usage). Nothing of the reference's, which reads every number in Chinese.
#pragma once

#include <string>
#include <string_view>

namespace koi::text {

// Cardinals, ordinals (21st), years (1999, 1900 to 2099 or behind "in", "since" and the like),
// decades, decimals, fractions, money, percentages, times, dates, telephone numbers (digit by
// digit), ranges and units become words, titles (Dr., Mr.) their words. Numbers that letters are
// joined to (MP3, 3D) and Roman numerals are left alone; of dates in figures those that can be read
// in two ways (5/6/2024) are read as plain numbers. From 10^18 on digit by digit. Only ASCII digits
// are read. Linear time. Throws Error(corrupt) for invalid UTF-8.
std::string normalize_english(std::string_view text);

}  // namespace koi::text
