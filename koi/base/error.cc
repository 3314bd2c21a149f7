#include "koi/base/error.h"

#include "koi/base/utf8.h"

namespace koi {
namespace {

std::string one_line(std::string_view where, std::string_view what, std::string_view remedy) {
  std::string line;
  if (!where.empty()) line.append(where).append(": ");
  line.append(what);
  if (!remedy.empty()) line.append("; ").append(remedy);
  return printable(line);
}

void append_escaped(std::string& out, unsigned char byte) {
  constexpr char kHex[] = "0123456789abcdef";
  if (byte == '\n') {
    out += "\\n";
  } else if (byte == '\t') {
    out += "\\t";
  } else {
    out += "\\x";
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
}

}  // namespace

Error::Error(ErrorKind kind, std::string_view where, std::string_view what, std::string_view remedy)
    : std::runtime_error(one_line(where, what, remedy)), kind_(kind) {}

std::string printable(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const size_t length = base::utf8_sequence_length(text.substr(i));
    const auto byte = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F are control characters too; some terminals act on them.
    const bool latin_control =
        byte == 0xC2 && length == 2 && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (latin_control) {
      append_escaped(out, byte);
      append_escaped(out, static_cast<unsigned char>(text[i + 1]));
      i += 2;
    } else if (length == 0 || byte < 0x20 || byte == 0x7f) {
      append_escaped(out, byte);
      ++i;
    } else {
      out.append(text.substr(i, length));
      i += length;
    }
  }
  return out;
}

}  // namespace koi
