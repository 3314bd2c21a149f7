#include "koi/text/byte_level.h"

#include <array>

#include "koi/base/utf8.h"

namespace koi::text {
namespace {

constexpr bool is_printable(unsigned byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

struct Alphabet {
  std::array<char32_t, 256> chars{};
  std::array<int, 0x144> bytes{};  // -1: the character stands for no byte

  constexpr Alphabet() {
    bytes.fill(-1);
    char32_t next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
      chars[byte] = is_printable(byte) ? byte : next++;
      bytes[chars[byte]] = static_cast<int>(byte);
    }
  }
};

constexpr Alphabet kAlphabet;

}  // namespace

char32_t byte_to_char(uint8_t byte) { return kAlphabet.chars[byte]; }

std::optional<uint8_t> char_to_byte(char32_t code) {
  if (code >= kAlphabet.bytes.size() || kAlphabet.bytes[code] < 0) return {};
  return static_cast<uint8_t>(kAlphabet.bytes[code]);
}

std::string bytes_to_chars(std::string_view bytes) {
  std::string out;
  for (const char byte : bytes) base::append_utf8(out, byte_to_char(static_cast<uint8_t>(byte)));
  return out;
}

}  // namespace koi::text
