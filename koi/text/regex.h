// Regular expressions with Unicode classes and look-ahead, as tokenizer files use them. Internal to
// koi/text.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace koi::text {

class JsonNode;

struct Span {
  size_t begin, end;  // bytes
};

class Regex {
 public:
  // `pattern` is written for Oniguruma's Ruby syntax. What PCRE2 reads in another way is rewritten
  // (\s, \w) or refused with Error(unsupported) naming `where`, so is a pattern that does not
  // compile or that matches the empty text.
  Regex(const std::string& pattern, const std::string& where);

  // All matches in `text` (valid UTF-8), from left to right. Throws
  // Error(unsupported) when the pattern takes too many steps on it.
  std::vector<Span> find_all(std::string_view text) const;

 private:
  struct Code;
  std::shared_ptr<const Code> code_;
  std::string where_;
};

// What is looked for: a "pattern" of a tokenizer file, {"Regex": ...} or {"String": ...}, or a
// given text.
class Pattern {
 public:
  explicit Pattern(const JsonNode& node);
  explicit Pattern(std::string literal) : literal_(std::move(literal)) {}  // not empty

  std::vector<Span> find_all(std::string_view text) const;
  std::string replace_all(std::string_view text, std::string_view replacement) const;

 private:
  std::string literal_;
  std::shared_ptr<const Regex> regex_;  // null: the literal
};

}  // namespace koi::text
