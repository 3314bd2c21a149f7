#include "koi/text/normalize_zh.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "koi/base/utf8.h"
#include "koi/text/chinese_number.h"
#include "koi/text/unicode.h"

namespace koi::text {
namespace {

using Text = std::u32string_view;

constexpr size_t kBlock = 4096;
constexpr size_t kNone = std::u32string_view::npos;

// What stands in the text, and how it is said.
struct Spoken {
  std::u32string written, said;
};

bool digit_at(Text text, size_t at) { return at < text.size() && is_decimal_digit(text[at]); }

bool one_of(Text text, size_t at, Text set) {
  return at < text.size() && set.find(text[at]) != kNone;
}

size_t skip_digits(Text text, size_t at) {
  while (digit_at(text, at)) ++at;
  return at;
}

size_t skip_to_digit(Text text, size_t at) {
  while (at < text.size() && !digit_at(text, at)) ++at;
  return at;
}

// Digits, and a point with more of them.
size_t skip_number(Text text, size_t at) {
  const size_t end = skip_digits(text, at);
  return one_of(text, end, U".") && digit_at(text, end + 1) ? skip_digits(text, end + 1) : end;
}

Text between(Text text, size_t begin, size_t end) { return text.substr(begin, end - begin); }

// Finds what begins with a number. `say(begin)` gives the end of what is said and how, or nothing;
// then the search goes on behind these digits.
struct Said {
  size_t end;
  std::u32string text;
  std::optional<size_t> resume = {};  // where the search goes on; by default at the end
};
template <typename Say>
std::vector<Spoken> find_numbers(Text text, Say say) {
  std::vector<Spoken> found;
  for (size_t at = skip_to_digit(text, 0); at < text.size(); at = skip_to_digit(text, at)) {
    if (std::optional<Said> said = say(at)) {
      found.push_back({std::u32string(between(text, at, said->end)), std::move(said->text)});
      at = said->resume.value_or(said->end);
    } else {
      at = skip_digits(text, at);
    }
  }
  return found;
}

// The same for what must have a character other than a digit before it that belongs to no find
// before.
template <typename Say>
std::vector<Spoken> find_behind_text(Text text, Say say) {
  std::vector<Spoken> found;
  for (size_t free = 0;;) {
    const size_t at = skip_to_digit(text, skip_digits(text, free));
    if (at >= text.size()) return found;
    std::optional<Said> said = say(at);
    free = said ? said->end : at;
    if (said) found.push_back({std::u32string(between(text, at, free)), std::move(said->text)});
  }
}

// One or two digits and one of `units`: the end, or `at`.
size_t skip_short(Text text, size_t at, Text units) {
  const size_t end = skip_digits(text, at);
  return end > at && end - at <= 2 && one_of(text, end, units) ? end + 1 : at;
}

std::optional<Said> say_date(Text text, size_t at) {
  const auto with_unit = [&](size_t begin, size_t end) {
    return chinese_cardinal(between(text, begin, end - 1)) + text[end - 1];
  };
  std::u32string said;
  size_t end = at;
  const size_t year = skip_digits(text, at);
  const Text digits = between(text, at, year);
  const bool is_year =
      (digits.size() == 2 && one_of(digits, 0, U"089")) ||
      (digits.size() == 4 && (digits.starts_with(U"19") || digits.starts_with(U"20")));
  if (is_year && one_of(text, year, U"年")) {
    said = chinese_digits(digits) + U'年';
    end = year + 1;
  }
  if (const size_t month = skip_short(text, end, U"月"); month > end) {
    said += with_unit(end, month);
    end = month;
    if (const size_t day = skip_short(text, end, U"日号"); day > end) {
      said += with_unit(end, day);
      end = day;
    }
  }
  if (end == at) return {};
  return Said{end, said};
}

// A unit of money: the end, or `at`. 万 stands alone or before 元 and 块.
size_t skip_money_unit(Text text, size_t at) {
  for (const Text unit : {U"亿", U"千万", U"百万", U"万", U"千", U"百"})
    if (text.substr(at).starts_with(unit)) return at + unit.size();
  return one_of(text, at, U"元块角毛分") ? at + 1 : at;
}

std::optional<Said> say_money(Text text, size_t at) {
  const size_t number = skip_number(text, at);
  const size_t unit = one_of(text, number, U"多余几") ? number + 1 : number;
  const size_t end = skip_money_unit(text, unit);
  if (end == unit) return {};
  std::u32string said = chinese_cardinal(between(text, at, number));
  said += between(text, number, end);
  if (!digit_at(text, end)) return Said{end, said};
  said += chinese_cardinal(text.substr(end, 1));
  const size_t change = skip_money_unit(text, end + 1);
  said += between(text, end + 1, change);
  return Said{change, said};
}

// The end of a mobile number behind its 86, or `at`.
size_t skip_mobile(Text text, size_t at) {
  const size_t end = skip_digits(text, at);
  if (end - at != 11 || text[at] != U'1') return at;
  const char32_t second = text[at + 1];
  const Text third = second == U'5'   ? U"012356789"
                     : second == U'7' ? U"678"
                     : second == U'9' ? U"89"
                                      : U"";
  return second == U'3' || second == U'8' || one_of(text, at + 2, third) ? end : at;
}

size_t mobile_end(Text text, size_t at) {
  size_t begin = one_of(text, at, U"+") ? at + 1 : at;
  if (text.substr(begin).starts_with(U"86")) {
    begin += 2;
    if (one_of(text, begin, U" ")) ++begin;
    // Without a space, 86 and the number are one run of digits.
    if (const size_t end = skip_mobile(text, begin); end > begin) return end;
  }
  return skip_mobile(text, at);
}

// The end of an area code, or `at`.
size_t skip_area(Text text, size_t at) {
  const Text code = text.substr(at);
  size_t end = at;
  if (code.starts_with(U"010") || (code.starts_with(U"02") && one_of(code, 2, U"123"))) {
    end = at + 3;
  } else if (code.starts_with(U"0") && one_of(code, 1, U"3456789") && digit_at(code, 2) &&
             digit_at(code, 3)) {
    end = at + 4;
  }
  return end > at && one_of(text, end, U"-") ? end + 1 : end;
}

size_t fixed_end(Text text, size_t at) {
  for (const size_t begin : {skip_area(text, at), at}) {
    const size_t end = skip_digits(text, begin);
    if (one_of(text, begin, U"123456789") && (end - begin == 7 || end - begin == 8)) return end;
  }
  return at;
}

// A telephone number takes a character on either side, which no other number then has.
template <typename End>
std::vector<Spoken> find_telephones(Text text, End end_of) {
  std::vector<Spoken> found;
  for (size_t i = 0; i + 1 < text.size();) {
    const size_t begin = i + 1;
    const size_t end = digit_at(text, i) ? begin : end_of(text, begin);
    if (end == begin || end == text.size()) {
      ++i;
      continue;
    }
    std::u32string digits;
    for (const char32_t code : between(text, begin, end))
      if (is_decimal_digit(code)) digits.push_back(code);
    found.push_back({std::u32string(between(text, begin, end)), chinese_digits(digits)});
    i = end + 1;
  }
  return found;
}

std::optional<Said> say_fraction(Text text, size_t at) {
  const size_t upper = skip_digits(text, at);
  if (!one_of(text, upper, U"/") || !digit_at(text, upper + 1)) return {};
  const size_t end = skip_digits(text, upper + 1);
  return Said{end, chinese_cardinal(between(text, upper + 1, end)) + U"分之" +
                       chinese_cardinal(between(text, at, upper))};
}

std::optional<Said> say_percent(Text text, size_t at) {
  const size_t end = skip_number(text, at);
  if (!one_of(text, end, U"%")) return {};
  return Said{end + 1, U"百分之" + chinese_cardinal(between(text, at, end))};
}

std::optional<Said> say_quantity(Text text, size_t at) {
  constexpr Text kQuantifiers =
      U"丈世丘丝两个丸人代令件伏位冬出刀分刻勺匹升单卮厘双叠口只合名周啖回场块坡堂堆墙壳壶夏夜天头"
      U"季"
      U"客家寸对寻尺尾层山岁岭常幢年座张忽户手扎打抽担挑捆撮支斗斛斤日旬时春曲更月本条杯板枝根桶棵"
      U"毫"
      U"江泡溪炮煲片瓶盆盏盒盘石砣碗碟秋秒程窠笼管箩箱篮簋粒纪线罐网罗群脚腔袋袭课贯贴跳身辆辈道里"
      U"针"
      U"钟钧钱钵铢铺锅锱阙队阵面页顶颗首";
  const size_t end = skip_number(text, at);
  const size_t unit = one_of(text, end, U"多余几") ? end + 1 : end;
  const bool metric = one_of(text, unit, U"千微") && one_of(text, unit + 1, U"克米");
  if (!metric && !one_of(text, unit, kQuantifiers)) return {};
  return Said{end, chinese_cardinal(between(text, at, end)), unit + (metric ? 2 : 1)};
}

std::optional<Said> say_digits(Text text, size_t at) {
  const size_t count = std::min<size_t>(skip_digits(text, at) - at, 32);
  if (count < 4) return {};
  return Said{at + count, chinese_digits(text.substr(at, count))};
}

std::optional<Said> say_number(Text text, size_t at) {
  const size_t end = skip_number(text, at);
  return Said{end, chinese_cardinal(between(text, at, end))};
}

// B2C, which has become B二C.
std::vector<Spoken> find_letters(Text text) {
  const auto skip_letters = [text](size_t at) {
    while (at < text.size() &&
           ((text[at] >= U'a' && text[at] <= U'z') || (text[at] >= U'A' && text[at] <= U'Z')))
      ++at;
    return at;
  };
  std::vector<Spoken> found;
  for (size_t at = 0; at < text.size();) {
    const size_t two = skip_letters(at);
    const size_t end = one_of(text, two, U"二") ? skip_letters(two + 1) : two;
    if (two > at && end > two + 1) {
      std::u32string said(between(text, at, end));
      said[two - at] = U'2';
      found.push_back({std::u32string(between(text, at, end)), said});
      at = end;
    } else {
      at = std::max(two, at + 1);
    }
  }
  return found;
}

void replace(std::u32string& text, const std::vector<Spoken>& found) {
  for (const Spoken& spoken : found) {
    const size_t at = text.find(spoken.written);
    if (at != kNone) text.replace(at, spoken.written.size(), spoken.said);
  }
}

// Every step finds all it knows before it replaces anything.
std::u32string read_block(std::u32string text) {
  const auto with = [&text](auto say) { return [&text, say](size_t at) { return say(text, at); }; };
  replace(text, find_behind_text(text, with(say_date)));
  replace(text, find_behind_text(text, with(say_money)));
  replace(text, find_telephones(text, mobile_end));
  replace(text, find_telephones(text, fixed_end));
  replace(text, find_numbers(text, with(say_fraction)));
  std::replace(text.begin(), text.end(), U'％', U'%');
  for (const auto say : {say_percent, say_quantity, say_digits, say_number})
    replace(text, find_numbers(text, with(say)));
  replace(text, find_letters(text));
  return text;
}

// The end of the block that begins at `begin`: behind a line or sentence where there is one.
size_t block_end(Text text, size_t begin) {
  if (text.size() - begin <= kBlock) return text.size();
  const size_t last = text.substr(begin, kBlock).find_last_of(U"\n。！？，");
  return begin + (last == kNone ? kBlock : last + 1);
}

}  // namespace

std::string normalize_chinese(std::string_view text) {
  const std::u32string whole = base::to_utf32(text, "text");
  std::u32string out;
  for (size_t begin = 0; begin < whole.size();) {
    const size_t end = block_end(whole, begin);
    const std::u32string block = read_block(U'^' + whole.substr(begin, end - begin) + U'$');
    out.append(block, 1, block.size() - 2);
    begin = end;
  }
  const size_t first = out.find_first_not_of(U'^');
  if (first == kNone) return {};
  return base::to_utf8(out.substr(first, out.find_last_not_of(U'$') + 1 - first));
}

}  // namespace koi::text
