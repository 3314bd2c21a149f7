#include "koi/text/split.h"

#include <algorithm>
#include <functional>

#include "koi/base/error.h"
#include "koi/base/utf8.h"
#include "koi/text/clean.h"
#include "koi/text/unicode.h"

namespace koi::text {
namespace {

using Segments = std::vector<std::string>;

// Whether a cut comes behind `code`, the last character of a piece of `bytes` bytes.
using CutBehind = std::function<bool(char32_t code, size_t bytes)>;

void cut(const std::string& text, const CutBehind& cut_behind, Segments& out) {
  size_t begin = 0;
  for (size_t offset = 0; offset < text.size();) {
    const char32_t code = base::next_code_point(text, offset);
    if (!cut_behind(code, offset - begin)) continue;
    out.push_back(text.substr(begin, offset - begin));
    begin = offset;
  }
  if (begin < text.size()) out.push_back(text.substr(begin));
}

Segments cut_long(const Segments& segments, size_t max_bytes, const CutBehind& cut_behind) {
  Segments out;
  for (const std::string& segment : segments) {
    if (segment.size() <= max_bytes) {
      out.push_back(segment);
    } else {
      cut(segment, cut_behind, out);
    }
  }
  return out;
}

size_t skip_digits(std::u32string_view text, size_t i) {
  while (i < text.size() && is_decimal_digit(text[i])) ++i;
  return i;
}

// "1.5" becomes "<1_f_5>", so that its dot ends no sentence. In "1.5.2" the first dot is taken.
std::string protect_decimals(const std::string& text) {
  const std::u32string codes = base::to_utf32(text, "text");
  std::u32string out;
  for (size_t i = 0; i < codes.size();) {
    const size_t dot = skip_digits(codes, i);
    const size_t end = dot < codes.size() ? skip_digits(codes, dot + 1) : dot;
    if (dot > i && dot < codes.size() && codes[dot] == U'.' && end > dot + 1) {
      out += U'<' + codes.substr(i, dot - i) + U"_f_" + codes.substr(dot + 1, end - dot - 1) + U'>';
      i = end;
    } else {
      const size_t next = std::max(dot, i + 1);
      out += codes.substr(i, next - i);
      i = next;
    }
  }
  return base::to_utf8(out);
}

std::string restore_decimals(const std::string& text) {
  const std::u32string codes = base::to_utf32(text, "text");
  constexpr std::u32string_view kDot = U"_f_";
  std::u32string out;
  for (size_t i = 0; i < codes.size();) {
    const size_t mark = codes[i] == U'<' ? skip_digits(codes, i + 1) : i;
    if (mark > i + 1 && codes.compare(mark, kDot.size(), kDot) == 0) {
      const size_t fraction = mark + kDot.size();
      const size_t end = skip_digits(codes, fraction);
      if (end > fraction && end < codes.size() && codes[end] == U'>') {
        out += codes.substr(i + 1, mark - i - 1) + U'.' + codes.substr(fraction, end - fraction);
        i = end + 1;
        continue;
      }
    }
    out.push_back(codes[i++]);
  }
  return base::to_utf8(out);
}

Segments merge_neighbours(const Segments& segments, size_t max_bytes) {
  Segments out(1);
  for (const std::string& segment : segments) {
    if (out.back().size() + segment.size() <= max_bytes) {
      out.back() += segment;
    } else {
      out.push_back(segment);
    }
  }
  return out;
}

// Without white space at the ends; empty where only white space and ASCII punctuation is left.
std::string spoken_part(const std::string& segment) {
  const std::u32string codes = base::to_utf32(segment, "text");
  const auto silent = [](char32_t c) { return is_python_space(c) || is_ascii_punctuation(c); };
  if (std::all_of(codes.begin(), codes.end(), silent)) return {};
  size_t begin = 0;
  size_t end = codes.size();
  while (is_python_space(codes[begin])) ++begin;
  while (is_python_space(codes[end - 1])) --end;
  return base::to_utf8(codes.substr(begin, end - begin));
}

}  // namespace

std::vector<std::string> split_text(std::string_view text, size_t max_bytes) {
  if (max_bytes == 0)
    throw Error(ErrorKind::config, "split_text", "segments of 0 bytes are impossible");
  const auto one_of = [](std::u32string_view marks) {
    return [marks](char32_t code, size_t) { return marks.find(code) != marks.npos; };
  };
  // Lengths are taken with decimals protected up to the first cut, as the reference does.
  Segments segments =
      cut_long({protect_decimals(clean_text(text))}, max_bytes, one_of(U".!?。！？"));
  for (std::string& segment : segments) segment = restore_decimals(segment);
  segments = cut_long(segments, max_bytes, one_of(U",，"));
  segments = cut_long(segments, max_bytes, one_of(U" "));
  segments =
      cut_long(segments, max_bytes, [&](char32_t, size_t bytes) { return bytes >= max_bytes; });

  Segments out;
  for (const std::string& merged : merge_neighbours(segments, max_bytes)) {
    std::string spoken = spoken_part(merged);
    if (!spoken.empty()) out.push_back(std::move(spoken));
  }
  return out;
}

}  // namespace koi::text
