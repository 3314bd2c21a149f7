// Numbers in a Chinese text written as they are said. Source: the reference's text normaliser,
// measured; cases in tests/goldens/text/normalize_zh.
#pragma once

#include <string>
#include <string_view>

namespace koi::text {

// Dates, money, telephone numbers, fractions, percentages and other numbers of `text` in Chinese
// characters, with all the reference's oddities: a number is replaced where it first occurs, be it
// inside another one; runs of zeros vanish; text of other languages is treated as Chinese. `^` at
// the start and `$` at the end are lost. Throws Error(corrupt) for invalid UTF-8.
// Differs: in a text of more than 4096 characters, replacements do not reach beyond the block of at
// most so many that they belong to. The reference's time grows with the square of the length.
std::string normalize_chinese(std::string_view text);

}  // namespace koi::text
