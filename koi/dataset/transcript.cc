#include "koi/dataset/transcript.h"

#include <string_view>

#include "koi/base/error.h"
#include "koi/base/utf8.h"
#include "koi/text/clean.h"

namespace koi::dataset {
namespace {

constexpr uint64_t kMaxTranscriptBytes = uint64_t{1} << 20;
constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";

enum class Utf16Order { none, little, big };

// By the mark, or else because all NULs stand on the same side of the byte pairs.
Utf16Order utf16_order(std::string_view bytes) {
  if (bytes.starts_with("\xFF\xFE")) return Utf16Order::little;
  if (bytes.starts_with("\xFE\xFF")) return Utf16Order::big;
  if (bytes.size() % 2 != 0) return Utf16Order::none;
  size_t nuls[2] = {0, 0};
  for (size_t i = 0; i < bytes.size(); ++i) nuls[i % 2] += bytes[i] == '\0' ? 1 : 0;
  if (nuls[0] == 0 && nuls[1] > 0) return Utf16Order::little;
  if (nuls[1] == 0 && nuls[0] > 0) return Utf16Order::big;
  return Utf16Order::none;
}

std::string from_utf16(std::string_view bytes, Utf16Order order, const std::string& where) {
  const auto unit_at = [&](size_t i) -> char32_t {
    const auto first = static_cast<unsigned char>(bytes[i]);
    const auto second = static_cast<unsigned char>(bytes[i + 1]);
    return order == Utf16Order::little ? char32_t{first} | char32_t{second} << 8
                                       : char32_t{second} | char32_t{first} << 8;
  };
  const auto fail = [&] {
    throw Error(ErrorKind::corrupt, where, "is not valid UTF-16", "save it as UTF-8");
  };
  if (bytes.size() % 2 != 0) fail();
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 2) {
    char32_t code = unit_at(i);
    if (code >= 0xDC00 && code <= 0xDFFF) fail();
    if (code >= 0xD800 && code <= 0xDBFF) {
      i += 2;
      const char32_t low = i < bytes.size() ? unit_at(i) : 0;
      if (low < 0xDC00 || low > 0xDFFF) fail();
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    if (i > 0 || code != 0xFEFF) base::append_utf8(text, code);
  }
  return text;
}

std::string with_unix_newlines(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r') {
      out.push_back(text[i]);
    } else {
      out.push_back('\n');
      if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
    }
  }
  return out;
}

}  // namespace

std::string decode_text(std::string bytes, const std::string& where, TextRules rules) {
  if (rules == TextRules::repaired) {
    const Utf16Order order = utf16_order(bytes);
    if (order != Utf16Order::none) bytes = from_utf16(bytes, order, where);
    if (bytes.starts_with(kUtf8Mark)) bytes.erase(0, kUtf8Mark.size());
    if (bytes.find('\0') != std::string::npos)
      throw Error(ErrorKind::corrupt, where, "holds NUL characters", "save it as UTF-8 text");
  }
  if (!base::is_valid_utf8(bytes))
    throw Error(ErrorKind::corrupt, where, "is not valid UTF-8", "save it as UTF-8");
  return with_unix_newlines(bytes);
}

std::string tidy_transcript(const std::string& text, const std::string& where, TextRules rules) {
  std::string clean = text::clean_transcript(text);
  if (rules == TextRules::reference) return clean;
  // All white space is a single space by now.
  if (clean.ends_with(' ')) clean.pop_back();
  if (clean.starts_with(' ')) clean.erase(0, 1);
  if (clean.empty()) throw Error(ErrorKind::corrupt, where, "the transcript is empty");
  return clean;
}

std::string read_transcript(const base::fs::path& path, TextRules rules) {
  const std::string where = path.string();
  const std::string text = decode_text(base::read_file(path, kMaxTranscriptBytes), where, rules);
  return tidy_transcript(text, where, rules);
}

}  // namespace koi::dataset
