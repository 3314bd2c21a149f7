// The words and signs around a number that decide how it is said in English. Internal to koi/text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "koi/text/number_scan.h"

namespace koi::text {

// A unit behind a number: km, °C, %.
struct EnglishUnit {
  std::string_view symbol, one, many;
};
// The unit that begins at `at`, behind one space or none.
std::optional<Found<EnglishUnit>> find_english_unit(std::string_view text, size_t at);

// A sign of money before a number. Without a name for its hundredth, decimals are read as such.
struct EnglishCurrency {
  std::string_view symbol, one, many;
  std::string_view cent = {}, cents = {};
};
// The one at `at`, if a digit follows.
std::optional<Found<EnglishCurrency>> find_english_currency(std::string_view text, size_t at);

// " million" and its kin where they begin at `at`, else nothing.
std::string_view find_scale(std::string_view text, size_t at);

// The month (1 to 12) whose name begins at `at`; 0 where there is none.
int month_at(std::string_view text, size_t at);
std::string_view month_name(int month);

// The ASCII word that ends at `at`, without spaces behind it; at most 12 letters.
std::string_view word_before(std::string_view text, size_t at);

// "Dr. Smith" becomes "Doctor Smith"; so Mr., Mrs., Ms., Prof. and, where no street can be meant,
// St.; "No. 5" becomes "number 5". Other abbreviations stay.
std::string expand_abbreviations(std::string_view text);

}  // namespace koi::text
