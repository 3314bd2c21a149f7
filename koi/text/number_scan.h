// Numbers as they stand in a text, for those who read them out. All places are bytes; digits and
// signs are ASCII. Internal to koi/text.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace koi::text {

bool is_digit(char c);
bool is_letter(char c);                          // a to z, A to Z
char char_at(std::string_view text, size_t at);  // NUL beyond the end
bool starts_at(std::string_view text, size_t at, std::string_view what);

// Where the run of digits (or letters and digits) that begins at `at` ends.
size_t skip_digits(std::string_view text, size_t at);
size_t skip_word(std::string_view text, size_t at);

// The length of the minus before a number at `at`; 0 where there is none, or where it joins the
// number to what is before it (covid-19).
size_t minus_at(std::string_view text, size_t at);

struct Number {
  std::string integer;   // without separators of thousands; at least one digit
  std::string fraction;  // digits behind the point, may be empty
  size_t end = 0;
  bool grouped = false;  // 1,234

  bool is_whole() const { return fraction.empty(); }
};
// The number whose first digit is at `at`. Commas that do not part thousands end it, and
// those of more than 51 digits.
Number scan_number(std::string_view text, size_t at);

// Groups of digits with `separator` between each two: "2024-05-03". At most `most` of them are
// looked at, so that texts of nothing else take linear time.
struct Groups {
  std::vector<std::string_view> digits;
  size_t end = 0;
  size_t size() const { return digits.size(); }
};
Groups scan_groups(std::string_view text, size_t at, std::string_view separator,
                   size_t most = std::string_view::npos);

// The value of up to nine digits; -1 for more.
int small_value(std::string_view digits);

// A unit or the like, and where it ends in the text.
template <typename Entry>
struct Found {
  const Entry* entry;
  size_t end;
};
// The entry of `table` with the longest `symbol` that begins at `at`. Behind one that ends in a
// letter no letter or digit stands.
template <typename Table>
auto find_symbol(std::string_view text, size_t at, const Table& table) {
  using Entry = typename Table::value_type;
  std::optional<Found<Entry>> longest;
  for (const Entry& entry : table) {
    const size_t end = at + entry.symbol.size();
    if (!starts_at(text, at, entry.symbol) || (longest && longest->end >= end)) continue;
    const bool goes_on = is_letter(entry.symbol.back()) && skip_word(text, end) > end;
    if (!goes_on) longest = Found<Entry>{&entry, end};
  }
  return longest;
}

// A year, month and day.
struct Date {
  std::string_view year;  // four digits
  int month = 0, day = 0;
};
// Whether the three groups are a date in this order that can be.
bool read_date(const Groups& groups, Date& date);

}  // namespace koi::text
