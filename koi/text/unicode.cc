#include "koi/text/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <vector>

#include "koi/base/error.h"
#include "koi/base/utf8.h"

namespace koi::text {
namespace {

utf8proc_category_t category(char32_t code) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(code));
}

int combining_class(utf8proc_int32_t code) { return utf8proc_get_property(code)->combining_class; }

// Canonical order: each run of combining marks sorted by class, equal classes as they were.
// utf8proc's own ordering takes quadratic time on long runs.
void order_marks(std::vector<utf8proc_int32_t>& codes) {
  for (auto begin = codes.begin(); begin != codes.end();) {
    if (combining_class(*begin) == 0) {
      ++begin;
      continue;
    }
    const auto end = std::find_if(begin, codes.end(),
                                  [](utf8proc_int32_t code) { return combining_class(code) == 0; });
    std::stable_sort(begin, end, [](utf8proc_int32_t a, utf8proc_int32_t b) {
      return combining_class(a) < combining_class(b);
    });
    begin = end;
  }
}

// How many bytes at the start of `bytes` one U+FFFD stands for; they are no well-formed sequence.
size_t invalid_prefix_length(std::string_view bytes) {
  // A prefix of a well-formed sequence is one that some continuation completes.
  const auto completes = [](std::string prefix) {
    for (const char* rest :
         {"\x80", "\xBF", "\x80\x80", "\xBF\x80", "\x80\x80\x80", "\xBF\x80\x80"})
      if (base::utf8_sequence_length(prefix + rest) > prefix.size()) return true;
    return false;
  };
  size_t length = 1;
  while (length < std::min<size_t>(bytes.size(), 3) &&
         completes(std::string(bytes.substr(0, length + 1)))) {
    ++length;
  }
  return length;
}

}  // namespace

bool is_white_space(char32_t code) {
  return (code >= 0x09 && code <= 0x0D) || code == 0x20 || code == 0x85 || code == 0xA0 ||
         code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 ||
         code == 0x202F || code == 0x205F || code == 0x3000;
}

bool is_python_space(char32_t code) {
  return is_white_space(code) || (code >= 0x1C && code <= 0x1F);
}

bool is_ascii_punctuation(char32_t code) {
  return (code >= '!' && code <= '/') || (code >= ':' && code <= '@') ||
         (code >= '[' && code <= '`') || (code >= '{' && code <= '~');
}

bool is_punctuation(char32_t code) {
  const utf8proc_category_t c = category(code);
  return is_ascii_punctuation(code) || (c >= UTF8PROC_CATEGORY_PC && c <= UTF8PROC_CATEGORY_PO);
}

bool is_decimal_digit(char32_t code) { return category(code) == UTF8PROC_CATEGORY_ND; }

int decimal_digit_value(char32_t code) {
  // Unicode has digits as runs of ten, 0 first; a few runs stand one behind the other.
  char32_t zero = code;
  while (is_decimal_digit(zero - 1)) --zero;
  return static_cast<int>((code - zero) % 10);
}

bool is_numeric(char32_t code) {
  const utf8proc_category_t c = category(code);
  return c == UTF8PROC_CATEGORY_ND || c == UTF8PROC_CATEGORY_NL || c == UTF8PROC_CATEGORY_NO;
}

bool is_word(char32_t code) {
  const utf8proc_category_t c = category(code);
  const bool circled_letter =
      (code >= 0x24B6 && code <= 0x24E9) || (code >= 0x1F130 && code <= 0x1F149) ||
      (code >= 0x1F150 && code <= 0x1F169) || (code >= 0x1F170 && code <= 0x1F189);
  const bool joiner = code == 0x200C || code == 0x200D;
  return (c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_NL) || c == UTF8PROC_CATEGORY_PC ||
         circled_letter || joiner;
}

bool is_upper(char32_t code) { return category(code) == UTF8PROC_CATEGORY_LU; }
bool is_lower(char32_t code) { return category(code) == UTF8PROC_CATEGORY_LL; }

char32_t to_lower(char32_t code) {
  return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code)));
}

std::string to_normal_form(std::string_view text, NormalForm form) {
  const bool compatible = form == NormalForm::nfkc || form == NormalForm::nfkd;
  const bool compose = form == NormalForm::nfc || form == NormalForm::nfkc;
  const auto decompose = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE |
                                                        (compatible ? UTF8PROC_COMPAT : 0));
  std::vector<utf8proc_int32_t> codes;
  for (size_t offset = 0; offset < text.size();) {
    constexpr int kLongest = 18;  // U+FDFA gives 18 characters, no other more
    utf8proc_int32_t parts[kLongest];
    const auto code = static_cast<utf8proc_int32_t>(base::next_code_point(text, offset));
    const utf8proc_ssize_t count =
        utf8proc_decompose_char(code, parts, kLongest, decompose, nullptr);
    if (count < 0 || count > kLongest)
      throw Error(ErrorKind::internal, "normal form", utf8proc_errmsg(count));
    codes.insert(codes.end(), parts, parts + count);
  }
  order_marks(codes);
  if (compose) {
    const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    const utf8proc_ssize_t length = utf8proc_normalize_utf32(
        codes.data(), static_cast<utf8proc_ssize_t>(codes.size()), options);
    codes.resize(static_cast<size_t>(length));
  }
  std::string out;
  for (const utf8proc_int32_t code : codes) base::append_utf8(out, static_cast<char32_t>(code));
  return out;
}

std::string composed_name(const std::string& name) {
  return base::is_valid_utf8(name) ? to_normal_form(name, NormalForm::nfc) : name;
}

std::string replace_invalid_utf8(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    const size_t length = base::utf8_sequence_length(bytes);
    if (length > 0) {
      out.append(bytes.substr(0, length));
      bytes.remove_prefix(length);
    } else {
      out.append("\uFFFD");
      bytes.remove_prefix(invalid_prefix_length(bytes));
    }
  }
  return out;
}

}  // namespace koi::text
