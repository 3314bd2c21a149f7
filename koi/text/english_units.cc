#include "koi/text/english_units.h"

#include <algorithm>
#include <array>

#include "koi/text/number_scan.h"

namespace koi::text {
namespace {

constexpr std::array kUnits = std::to_array<EnglishUnit>({
    {"%", "percent", "percent"},
    {"°C", "degree Celsius", "degrees Celsius"},
    {"℃", "degree Celsius", "degrees Celsius"},
    {"°F", "degree Fahrenheit", "degrees Fahrenheit"},
    {"℉", "degree Fahrenheit", "degrees Fahrenheit"},
    {"°", "degree", "degrees"},
    {"km/h", "kilometer per hour", "kilometers per hour"},
    {"km", "kilometer", "kilometers"},
    {"m", "meter", "meters"},
    {"cm", "centimeter", "centimeters"},
    {"mm", "millimeter", "millimeters"},
    {"mi", "mile", "miles"},
    {"mph", "mile per hour", "miles per hour"},
    {"ft", "foot", "feet"},
    {"lb", "pound", "pounds"},
    {"lbs", "pound", "pounds"},
    {"oz", "ounce", "ounces"},
    {"kg", "kilogram", "kilograms"},
    {"g", "gram", "grams"},
    {"mg", "milligram", "milligrams"},
    {"L", "liter", "liters"},
    {"ml", "milliliter", "milliliters"},
    {"mL", "milliliter", "milliliters"},
    {"Hz", "hertz", "hertz"},
    {"kHz", "kilohertz", "kilohertz"},
    {"MHz", "megahertz", "megahertz"},
    {"GHz", "gigahertz", "gigahertz"},
    {"KB", "kilobyte", "kilobytes"},
    {"MB", "megabyte", "megabytes"},
    {"GB", "gigabyte", "gigabytes"},
    {"TB", "terabyte", "terabytes"},
    {"kW", "kilowatt", "kilowatts"},
    {"kWh", "kilowatt hour", "kilowatt hours"},
});

constexpr std::array kCurrencies =
    std::to_array<EnglishCurrency>({{"$", "dollar", "dollars", "cent", "cents"},
                                    {"€", "euro", "euros", "cent", "cents"},
                                    {"£", "pound", "pounds", "penny", "pence"},
                                    {"¥", "yen", "yen"},
                                    {"₩", "won", "won"}});

constexpr std::array<std::string_view, 13> kMonths{
    "",     "January", "February",  "March",   "April",    "May",     "June",
    "July", "August",  "September", "October", "November", "December"};

struct Abbreviation {
  std::string_view written, said;
};

bool is_capital(char c) { return c >= 'A' && c <= 'Z'; }

// Before a name a title stands, behind one "Dr." may be a drive and "St." a street.
bool follows_name(std::string_view text, size_t at) {
  const std::string_view word = word_before(text, at);
  if (!word.empty()) return is_capital(word[0]);
  const size_t before = text.find_last_not_of(' ', at == 0 ? 0 : at - 1);
  return at > 0 && before != std::string_view::npos && is_digit(text[before]);
}

}  // namespace

std::optional<Found<EnglishUnit>> find_english_unit(std::string_view text, size_t at) {
  return find_symbol(text, char_at(text, at) == ' ' ? at + 1 : at, kUnits);
}

std::optional<Found<EnglishCurrency>> find_english_currency(std::string_view text, size_t at) {
  const auto found = find_symbol(text, at, kCurrencies);
  return found && is_digit(char_at(text, found->end)) ? found : std::nullopt;
}

std::string_view find_scale(std::string_view text, size_t at) {
  for (const std::string_view scale : {" thousand", " million", " billion", " trillion"})
    if (starts_at(text, at, scale) && skip_word(text, at + scale.size()) == at + scale.size())
      return scale;
  return {};
}

int month_at(std::string_view text, size_t at) {
  const std::string_view word = text.substr(at, std::min(skip_word(text, at), at + 10) - at);
  const auto found = std::find(kMonths.begin() + 1, kMonths.end(), word);
  return found == kMonths.end() ? 0 : static_cast<int>(found - kMonths.begin());
}

std::string_view month_name(int month) { return kMonths[static_cast<size_t>(month)]; }

std::string_view word_before(std::string_view text, size_t at) {
  constexpr size_t kLongest = 12;
  size_t end = at;
  while (end > 0 && text[end - 1] == ' ' && at - end < 2) --end;
  size_t begin = end;
  while (begin > 0 && is_letter(text[begin - 1]) && end - begin < kLongest) --begin;
  return text.substr(begin, end - begin);
}

std::string expand_abbreviations(std::string_view text) {
  constexpr std::array kTitles = std::to_array<Abbreviation>({{"Mr. ", "Mister "},
                                                              {"Mrs. ", "Missus "},
                                                              {"Ms. ", "Miz "},
                                                              {"Prof. ", "Professor "},
                                                              {"Dr. ", "Doctor "},
                                                              {"St. ", "Saint "}});
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    const bool word_starts = begin == 0 || !is_letter(text[begin - 1]);
    for (const Abbreviation& title : kTitles) {
      if (!word_starts || !starts_at(text, at, title.written)) continue;
      if (!is_capital(char_at(text, at + title.written.size()))) continue;
      const bool street = title.written == "Dr. " || title.written == "St. ";
      if (street && follows_name(text, at)) continue;
      out += title.said;
      at += title.written.size();
      break;
    }
    if (word_starts && starts_at(text, begin, "No. ") && is_digit(char_at(text, begin + 4))) {
      out += "number ";
      at += 4;
    }
    if (at == begin) out += text[at++];
  }
  return out;
}

}  // namespace koi::text
