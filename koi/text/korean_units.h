// The words behind a number that decide how it is said in Korean. Internal to koi/text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "koi/text/number_scan.h"

namespace koi::text {

// A counter that takes native numbers: 개, 명, 시간 ...
struct Counter {
  std::string_view word;
  size_t end = 0;  // byte behind it in the text
};

// The counter that begins at `at`, behind one space or none. What follows it must be no part of
// another word: 달 in 5달러 is none, in 5달을 it is one.
std::optional<Counter> find_counter(std::string_view text, size_t at);

// How the whole number `digits` is said before `counter`, without what has no native number (0시,
// 13시, 20대 of ages): then there is nothing.
std::optional<std::string> read_before_counter(std::string_view digits, std::string_view counter);

// A unit that is written in letters or signs: km, ℃, %.
struct Unit {
  std::string_view symbol;
  std::string_view name;         // 킬로미터
  std::string_view before = {};  // 시속, 섭씨: said before the number
};
// The unit that begins at `at`, behind one space or none.
std::optional<Found<Unit>> find_unit(std::string_view text, size_t at);

// A sign of money that stands before the number.
struct Currency {
  std::string_view symbol, name;
  std::string_view cent = {};
};
// The one at `at`, if a digit follows.
std::optional<Found<Currency>> find_currency(std::string_view text, size_t at);

// Whether the bytes at `at` begin a Hangul syllable.
bool hangul_at(std::string_view text, size_t at);

}  // namespace koi::text
