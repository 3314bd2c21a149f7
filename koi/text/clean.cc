#include "koi/text/clean.h"

#include "koi/base/utf8.h"
#include "koi/text/unicode.h"

namespace koi::text {
namespace {

constexpr char32_t kRemoved = 0x110000;  // above the last code point

// What becomes of one character; kRemoved where it vanishes.
char32_t cleaned(char32_t code) {
  switch (code) {
    case U'\n':
    case U'【':
    case U'】':
    case U'[':
    case U']':
    case U'（':
    case U'）':
    case U'(':
    case U')':
    case U'・':
    case U'·':
    case U'—':
    case U'～':
    case U'~':
      return kRemoved;
    case U'…':
      return U'.';
    case U'“':
    case U'”':
    case U'‘':
    case U'’':
    case U'「':
    case U'」':
    case U'《':
    case U'》':
      return U'\'';
    case U'：':
    case U'；':
    case U';':
    case U':':
      return U',';
    default:
      return code;
  }
}

bool is_emoji(char32_t code) {
  return (code >= 0x1F300 && code <= 0x1F64F) || (code >= 0x1F680 && code <= 0x1F6FF) ||
         (code >= 0x1F1E0 && code <= 0x1F1FF);
}

// Every `open` ... `close` without a newline in between becomes a space; the nearest `close` ends
// it.
std::u32string blank_out(std::u32string_view text, char32_t open, char32_t close) {
  std::u32string out;
  size_t unclosed_until = 0;  // no `close` comes before this place
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == open && i >= unclosed_until) {
      size_t end = i + 1;
      while (end < text.size() && text[end] != close && text[end] != U'\n') ++end;
      if (end < text.size() && text[end] == close) {
        out.push_back(U' ');
        i = end;
        continue;
      }
      unclosed_until = end;
    }
    out.push_back(text[i]);
  }
  return out;
}

}  // namespace

std::string clean_text(std::string_view text) {
  const std::u32string codes = base::to_utf32(text, "text");
  size_t begin = 0;
  size_t end = codes.size();
  while (begin < end && is_python_space(codes[begin])) ++begin;
  while (end > begin && is_python_space(codes[end - 1])) --end;

  const auto is_dot = [](char32_t code) { return code == U'.' || code == U','; };
  std::u32string out;
  for (size_t i = begin; i < end; ++i) {
    const char32_t code = cleaned(codes[i]);
    const bool vanishes = code == kRemoved || is_emoji(code);
    const bool repeats = is_dot(code) && !out.empty() && is_dot(out.back());
    if (!vanishes && !repeats) out.push_back(code);
  }
  return base::to_utf8(out);
}

std::string clean_transcript(std::string_view text) {
  const std::u32string codes =
      blank_out(blank_out(base::to_utf32(text, "transcript"), U'{', U'}'), U'<', U'>');
  std::u32string out;
  for (size_t i = 0; i < codes.size(); ++i) {
    if (!is_python_space(codes[i])) {
      out.push_back(codes[i]);
    } else if (i == 0 || !is_python_space(codes[i - 1])) {
      out.push_back(U' ');
    }
  }
  return base::to_utf8(out);
}

}  // namespace koi::text
