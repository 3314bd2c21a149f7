#include "koi/text/clean.h"

#include <utility>

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

// Each run of white space as one space.
std::u32string collapse_space(std::u32string_view codes) {
  std::u32string out;
  for (size_t i = 0; i < codes.size(); ++i) {
    if (!is_python_space(codes[i])) {
      out.push_back(codes[i]);
    } else if (i == 0 || !is_python_space(codes[i - 1])) {
      out.push_back(U' ');
    }
  }
  return out;
}

// The number in "#38" or "#x26" as a character that text may hold; 0 where it is none.
char32_t numbered_character(std::u32string_view name) {
  const bool is_hex = name.size() > 2 && (name[1] == U'x' || name[1] == U'X');
  char32_t code = 0;
  for (const char32_t digit : name.substr(is_hex ? 2 : 1)) {
    const char32_t lower = digit | 0x20;
    const bool is_letter = is_hex && lower >= U'a' && lower <= U'f';
    if (!is_letter && (digit < U'0' || digit > U'9')) return 0;
    code = code * (is_hex ? 16 : 10) + (is_letter ? lower - U'a' + 10 : digit - U'0');
    if (code > 0x10FFFF) return 0;
  }
  const bool is_surrogate = code >= 0xD800 && code <= 0xDFFF;
  return code < 0x20 || is_surrogate ? 0 : code;
}

// What stands between '&' and ';' as a character; 0 where it is none that we know.
char32_t named_character(std::u32string_view name) {
  if (name.starts_with(U'#')) return numbered_character(name);
  constexpr std::pair<std::u32string_view, char32_t> kNames[] = {{U"amp", U'&'},   {U"lt", U'<'},
                                                                 {U"gt", U'>'},    {U"quot", U'"'},
                                                                 {U"apos", U'\''}, {U"nbsp", U' '}};
  for (const auto& [known, character] : kNames) {
    if (name == known) return character;
  }
  return 0;
}

std::u32string decode_entities(std::u32string codes) {
  constexpr size_t kLongest = 10;  // "&#x10FFFF;"
  std::u32string out;
  for (size_t i = 0; i < codes.size(); ++i) {
    char32_t character = 0;
    size_t length = 0;  // of the name
    if (codes[i] == U'&') {
      const std::u32string_view ahead = std::u32string_view(codes).substr(i + 1, kLongest - 1);
      length = ahead.find(U';');
      if (length != ahead.npos) character = named_character(ahead.substr(0, length));
    }
    if (character == 0) {
      out.push_back(codes[i]);
    } else {
      // Looked at again, for it may begin the next one: "&amp;lt;".
      i += length;
      codes[i + 1] = character;
    }
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
  return base::to_utf8(collapse_space(codes));
}

std::string strip_markup(std::string_view text) {
  const std::u32string decoded = decode_entities(base::to_utf32(text, "transcript"));
  std::string clean =
      clean_transcript(base::to_utf8(blank_out(collapse_space(decoded), U'[', U']')));
  if (clean.ends_with(' ')) clean.pop_back();
  if (clean.starts_with(' ')) clean.erase(0, 1);
  return clean;
}

}  // namespace koi::text
