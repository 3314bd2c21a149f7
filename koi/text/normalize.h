// Numbers of a text written as they are said, by language.
#pragma once

#include <string>
#include <string_view>

namespace koi::text {

// In which language numbers are read.
enum class NumberReading {
  none,       // they stay figures
  chinese,    // normalize_chinese: the reference's own
  korean,     // normalize_korean
  english,    // normalize_english
  by_script,  // each number as the letters around it
};

// The reading of a name: none, zh, ko, en or auto. Throws Error(usage) for another one.
NumberReading number_reading(std::string_view name);

// `text` with its numbers read out; unchanged with NumberReading::none. By script, a number is read
// in Korean beside Hangul, in Chinese beside Han, in English beside Latin letters. The nearest
// letters before and behind it in its sentence (up to a newline, 。, ！ or ？) count; of unlike
// ones those without a full stop between, those that touch it, those behind it first, and then
// Hangul and Han before Latin. A unit in Latin letters (kg) does not count. Numbers beside kana (or
// Han in a sentence with kana), beside letters of other scripts and in sentences without letters
// are left alone. Linear time. Throws Error(corrupt) for invalid UTF-8, whatever the reading.
// Differs: the reference always reads numbers in Chinese, whatever the text's language.
std::string read_numbers(std::string_view text, NumberReading reading);

}  // namespace koi::text
