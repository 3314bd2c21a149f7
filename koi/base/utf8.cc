#include "koi/base/utf8.h"

#include "koi/base/error.h"

namespace koi::base {
namespace {

unsigned byte_at(std::string_view text, size_t i) {
  return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
}

bool is_continuation(unsigned byte) { return (byte & 0xC0U) == 0x80U; }

}  // namespace

size_t utf8_sequence_length(std::string_view text) {
  if (text.empty()) return 0;
  const unsigned a = byte_at(text, 0);
  const unsigned b = byte_at(text, 1);
  if (a < 0x80) return 1;
  if (a < 0xC2 || a > 0xF4) return 0;
  if (!is_continuation(b)) return 0;
  if (a < 0xE0) return 2;
  if ((a == 0xE0 && b < 0xA0) || (a == 0xED && b > 0x9F)) return 0;
  if ((a == 0xF0 && b < 0x90) || (a == 0xF4 && b > 0x8F)) return 0;
  if (!is_continuation(byte_at(text, 2))) return 0;
  if (a < 0xF0) return 3;
  return is_continuation(byte_at(text, 3)) ? 4 : 0;
}

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = utf8_sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

char32_t next_code_point(std::string_view text, size_t& offset) {
  const std::string_view rest = text.substr(offset);
  const size_t length = utf8_sequence_length(rest);
  if (length == 0) throw Error(ErrorKind::internal, "next_code_point", "the text is not UTF-8");
  offset += length;
  const unsigned lead = byte_at(rest, 0);
  if (length == 1) return lead;
  char32_t code = lead & (0xFFU >> (length + 1));
  for (size_t i = 1; i < length; ++i) code = (code << 6) | (byte_at(rest, i) & 0x3FU);
  return code;
}

void append_utf8(std::string& out, char32_t code) {
  const auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

std::u32string to_utf32(std::string_view text, std::string_view where) {
  std::u32string out;
  for (size_t offset = 0; offset < text.size();) {
    if (utf8_sequence_length(text.substr(offset)) == 0) {
      throw Error(ErrorKind::corrupt, where, "invalid UTF-8 at byte " + std::to_string(offset),
                  "save the text as UTF-8");
    }
    out.push_back(next_code_point(text, offset));
  }
  return out;
}

std::string to_utf8(std::u32string_view text) {
  std::string out;
  for (const char32_t code : text) append_utf8(out, code);
  return out;
}

}  // namespace koi::base
