#include "koi/text/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <cctype>

#include "koi/base/error.h"
#include "koi/text/json_node.h"

namespace koi::text {
namespace {

// Oniguruma's \w in [...], and what it takes in besides when it stands alone: superscripts and
// fractions of Latin-1.
constexpr char kWordClass[] = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}";
constexpr char kMoreWord[] = "\\xB2\\xB3\\xB9\\xBC-\\xBE";

// Rewrites a pattern from Oniguruma's syntax; see Regex.
class Translator {
 public:
  Translator(const std::string& pattern, const std::string& where)
      : pattern_(pattern), where_(where) {}

  std::string run() {
    while (i_ < pattern_.size()) step();
    return std::move(out_);
  }

 private:
  char peek(size_t ahead = 0) const {
    return i_ + ahead < pattern_.size() ? pattern_[i_ + ahead] : '\0';
  }

  void step() {
    const char c = pattern_[i_];
    if (c == '\\') {
      escape();
    } else if (in_class_) {
      class_character(c);
    } else {
      plain_character(c);
    }
  }

  void plain_character(char c) {
    const char next = peek(1);
    if (c == '[') {
      in_class_ = true;
      if (next == '^') copy(1);
      if (peek(1) == ']') refuse("[]");
    } else if (c == '(' && next == '*') {
      refuse("(*");
    } else if (c == '(' && next == '?') {
      group();
    } else if ((c == '}' && (next == '+' || next == '?')) || (c == '{' && next == ',')) {
      refuse({c, next});
    }
    copy(1);
  }

  void class_character(char c) {
    if (c == '[') refuse("[ inside of [...]");
    if (c == '&' && peek(1) == '&') refuse("&&");
    if (c == ']') in_class_ = false;
    copy(1);
  }

  void escape() {
    const char c = peek(1);
    if (c == 's' || c == 'S') {
      out_ += c == 's' ? "\\p{White_Space}" : "\\P{White_Space}";
      i_ += 2;
    } else if (c == 'w' || (c == 'W' && !in_class_)) {
      const std::string open = c == 'W' ? "[^" : "[";
      out_ += in_class_ ? kWordClass : open + kWordClass + kMoreWord + "]";
      i_ += 2;
    } else {
      const bool letter_or_digit = std::isalnum(static_cast<unsigned char>(c)) != 0;
      if (letter_or_digit && std::string_view("dDrntfaepPxA").find(c) == std::string_view::npos)
        refuse(std::string("\\") + c);
      const bool braces = (c == 'p' || c == 'P' || c == 'x') && peek(2) == '{';
      const size_t end = braces ? pattern_.find('}', i_) : i_ + 1;
      copy(std::min(end, pattern_.size()) + 1 - i_);
    }
  }

  // "(?m)" and named groups mean other things elsewhere.
  void group() {
    for (const char* known : {"(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!", "(?i:"})
      if (pattern_.compare(i_, std::string_view(known).size(), known) == 0) return;
    refuse(pattern_.substr(i_, 4));
  }

  void copy(size_t count) {
    out_ += pattern_.substr(i_, count);
    i_ += count;
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorKind::unsupported, where_,
                "\"" + what + "\" in the pattern \"" + pattern_ + "\" is not supported");
  }

  const std::string& pattern_;
  const std::string& where_;
  std::string out_;
  size_t i_ = 0;
  bool in_class_ = false;
};

std::string message_of(int code) {
  unsigned char text[256];
  pcre2_get_error_message(code, text, sizeof(text));
  return reinterpret_cast<const char*>(text);
}

template <typename T, void (*Free)(T*)>
struct Deleter {
  void operator()(T* pointer) const { Free(pointer); }
};
template <typename T, void (*Free)(T*)>
using Owned = std::unique_ptr<T, Deleter<T, Free>>;

}  // namespace

struct Regex::Code {
  Owned<pcre2_code, pcre2_code_free> code;
};

Regex::Regex(const std::string& pattern, const std::string& where) : where_(where) {
  const std::string translated = Translator(pattern, where).run();
  const Owned<pcre2_compile_context, pcre2_compile_context_free> context(
      pcre2_compile_context_create(nullptr));
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  pcre2_set_parens_nest_limit(context.get(), 100);
  int error = 0;
  size_t offset = 0;
  // MULTILINE: in Oniguruma's Ruby syntax ^ and $ are the ends of lines.
  Owned<pcre2_code, pcre2_code_free> code(
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error,
                    &offset, context.get()));
  if (code == nullptr) {
    throw Error(ErrorKind::unsupported, where,
                "the pattern \"" + pattern + "\" does not compile: " + message_of(error));
  }
  uint32_t may_be_empty = 0;
  pcre2_pattern_info(code.get(), PCRE2_INFO_MATCHEMPTY, &may_be_empty);
  if (may_be_empty != 0) {
    throw Error(ErrorKind::unsupported, where,
                "the pattern \"" + pattern + "\", which matches the empty text, is not supported");
  }
  // Where there is no JIT the interpreter does the same work slower.
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);
  code_ = std::make_shared<const Code>(Code{std::move(code)});
}

std::vector<Span> Regex::find_all(std::string_view text) const {
  constexpr uint32_t kMaxSteps = 10'000'000;
  constexpr uint32_t kMaxHeapKib = 256 * 1024;
  const pcre2_code* code = code_->code.get();
  const Owned<pcre2_match_context, pcre2_match_context_free> context(
      pcre2_match_context_create(nullptr));
  pcre2_set_match_limit(context.get(), kMaxSteps);
  pcre2_set_heap_limit(context.get(), kMaxHeapKib);
  const Owned<pcre2_match_data, pcre2_match_data_free> data(
      pcre2_match_data_create_from_pattern(code, nullptr));
  const auto match = [&](size_t offset, uint32_t options) {
    return pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), offset,
                       options | PCRE2_NO_UTF_CHECK, data.get(), context.get());
  };

  std::vector<Span> found;
  for (size_t offset = 0; offset < text.size();) {
    int status = match(offset, 0);
    if (status == PCRE2_ERROR_JIT_STACKLIMIT) status = match(offset, PCRE2_NO_JIT);
    if (status == PCRE2_ERROR_NOMATCH) break;
    if (status < 0) {
      throw Error(ErrorKind::unsupported, where_,
                  "the pattern cannot be applied to this text: " + message_of(status));
    }
    const size_t* ends = pcre2_get_ovector_pointer(data.get());
    found.push_back({ends[0], ends[1]});
    // Only \K could make a match empty or end before it begins, and that is refused.
    offset = ends[1];
  }
  return found;
}

Pattern::Pattern(const JsonNode& node) {
  node.allow_only({"String", "Regex"});
  if (node.has("Regex")) {
    regex_ = std::make_shared<const Regex>(node.string("Regex"), node.where());
  } else {
    literal_ = node.string("String");
    if (literal_.empty()) node.unsupported("an empty pattern");
  }
}

std::vector<Span> Pattern::find_all(std::string_view text) const {
  if (regex_ != nullptr) return regex_->find_all(text);
  std::vector<Span> found;
  for (size_t at = text.find(literal_); at != std::string_view::npos;
       at = text.find(literal_, at + literal_.size())) {
    found.push_back({at, at + literal_.size()});
  }
  return found;
}

std::string Pattern::replace_all(std::string_view text, std::string_view replacement) const {
  std::string out;
  size_t copied = 0;
  for (const Span& span : find_all(text)) {
    out.append(text.substr(copied, span.begin - copied)).append(replacement);
    copied = span.end;
  }
  return out.append(text.substr(copied));
}

}  // namespace koi::text
