#include "koi/config/override.h"

#include <algorithm>
#include <array>
#include <limits>

#include "koi/base/error.h"
#include "koi/base/utf8.h"
#include "koi/config/scalar.h"

namespace koi::config {
namespace {

constexpr int kMaxDepth = 64;

bool is_space(char c) { return c == ' ' || c == '\t'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return is_letter(c) || is_digit(c) || c == '_'; }

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

// A word without quotes: null, a truth value, a number, or the text itself.
Node typed_word(const std::string& word) {
  const std::string small = lower(word);
  if (small == "null") return {};
  if (small == "true" || small == "false") return Node(small == "true");
  const bool sign = small.starts_with('-') || small.starts_with('+');
  const std::string_view unsigned_word = std::string_view(small).substr(sign ? 1 : 0);
  const double factor = small.starts_with('-') ? -1 : 1;
  if (unsigned_word == "inf") return Node(factor * std::numeric_limits<double>::infinity());
  if (unsigned_word == "nan") return Node(std::numeric_limits<double>::quiet_NaN());
  if (auto number = parse_decimal(word)) return *number;
  return Node(word);
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Override parse() {
    if (!base::is_valid_utf8(text_)) fail("is not UTF-8");
    Override result;
    result.text = text_;
    if (take('~')) {
      result.kind = OverrideKind::remove;
    } else if (take('+')) {
      result.kind = take('+') ? OverrideKind::force_add : OverrideKind::add;
    }
    result.key = parse_key(true);
    if (take('@')) result.package = parse_key(false);
    if (result.kind == OverrideKind::remove && at_end()) return result;
    if (!take('=')) fail(at_end() ? "has no '=': key=value is meant" : "'=' was expected");
    result.value = at_end() ? Node(std::string()) : parse_value();
    return result;
  }

 private:
  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  bool take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void skip_space() {
    while (!at_end() && is_space(text_[at_])) ++at_;
  }
  [[noreturn]] void fail(const std::string& what, const std::string& remedy = {}) const {
    throw Error(ErrorKind::config, "override " + std::string(text_),
                what + (at_end() ? "" : " (at '" + std::string(text_.substr(at_)) + "')"), remedy);
  }

  std::string parse_key(bool with_slash) {
    const size_t begin = at_;
    while (!at_end() && (is_word(peek()) || peek() == '.' || peek() == '-' || peek() == '$' ||
                         (with_slash && peek() == '/'))) {
      if (at_ == begin && peek() == '-') fail("a key begins with a letter");
      ++at_;
    }
    return std::string(text_.substr(begin, at_ - begin));
  }

  Node parse_value() {
    Node value = parse_element(0);
    skip_space();
    if (peek() == ',') {
      fail("is ambiguous",
           "write key=[a,b] for a list or key='a,b' for a text; sweeps over several values are not "
           "supported: run the command once for each");
    }
    if (!at_end()) fail("the value should end here", "quote it: key='...'");
    return value;
  }

  Node parse_element(int depth) {
    if (depth > kMaxDepth) fail("is nested too deeply");
    skip_space();
    if (peek() == '\'' || peek() == '"') {
      Node quoted(parse_quoted());
      skip_space();
      return quoted;
    }
    if (take('[')) return parse_list(depth);
    if (take('{')) return parse_map(depth);
    if (const size_t name_end = function_name_end(); name_end != 0) return parse_cast(name_end);
    return parse_word(/*is_key=*/false);
  }

  // Ends at the same quote again. Backslashes count only before a quote: there two stand for one,
  // and an odd one makes the quote part of the text.
  std::string parse_quoted() {
    const char quote = text_[at_++];
    std::string out;
    while (!at_end()) {
      size_t slashes = 0;
      while (take('\\')) ++slashes;
      if (peek() != quote || at_end()) {
        out.append(slashes, '\\');
        if (!at_end()) out += text_[at_++];
        continue;
      }
      out.append(slashes / 2, '\\');
      ++at_;
      if (slashes % 2 == 0) return out;
      out += quote;
    }
    fail("the quote is not closed");
  }

  Node parse_list(int depth) {
    List list;
    skip_space();
    if (take(']')) return Node(std::move(list));
    do {
      list.push_back(parse_element(depth + 1));
    } while (take(','));
    if (!take(']')) fail("']' or ',' was expected", "quote texts with special characters");
    skip_space();
    return Node(std::move(list));
  }

  Node parse_map(int depth) {
    Node map(Map{});
    skip_space();
    if (take('}')) return map;
    do {
      skip_space();
      const Node key = parse_word(/*is_key=*/true);
      if (!take(':')) fail("':' was expected");
      map.set(python_text(key, text_), parse_element(depth + 1));
    } while (take(','));
    if (!take('}')) fail("'}' or ',' was expected", "quote texts with special characters");
    skip_space();
    return map;
  }

  // The place of '(' behind a name at the present place; 0 where there is none.
  size_t function_name_end() const {
    if (!is_letter(peek()) && peek() != '_') return 0;
    size_t end = at_;
    while (end < text_.size() && is_word(text_[end])) ++end;
    while (end < text_.size() && is_space(text_[end])) ++end;
    return end < text_.size() && text_[end] == '(' ? end : 0;
  }

  Node parse_cast(size_t name_end) {
    std::string name(text_.substr(at_, name_end - at_));
    while (is_space(name.back())) name.pop_back();
    static constexpr std::array<std::string_view, 7> sweeps{"choice",  "range", "interval", "glob",
                                                            "shuffle", "sort",  "tag"};
    if (std::find(sweeps.begin(), sweeps.end(), name) != sweeps.end()) {
      fail("sweeps are not supported", "run the command once for each value");
    }
    if (name != "int" && name != "float" && name != "bool" && name != "str") {
      fail("there is no function '" + name + "'", "koi knows int, float, bool and str");
    }
    at_ = name_end + 1;
    const Node argument = parse_element(1);
    if (!take(')')) fail("')' was expected");
    return cast(name, argument);
  }

  Node cast(const std::string& name, const Node& from) const {
    if (name == "str") {
      std::string text = python_text(from, text_);
      if (from.is_null() || from.get<bool>()) text = from.is_null() ? "null" : lower(text);
      return Node(std::move(text));
    }
    Node number = from;
    if (const auto* text = from.get<std::string>()) number = typed_word(*text);
    const auto* flag = number.get<bool>();
    const auto* integer = number.get<int64_t>();
    const auto* real = number.get<double>();
    if (name == "bool" && flag) return number;
    if (name == "bool" && integer) return Node(*integer != 0);
    if (name == "bool" && real) return Node(*real != 0);
    const double value = flag      ? static_cast<double>(*flag)
                         : integer ? static_cast<double>(*integer)
                         : real    ? *real
                                   : std::numeric_limits<double>::quiet_NaN();
    if (name == "float" && (flag || integer || real)) return Node(value);
    if (name == "int" && integer) return number;
    if (name == "int" &&
        (flag || (real && !from.get<std::string>() && value > -9e18 && value < 9e18))) {
      return Node(static_cast<int64_t>(value));
    }
    fail("cannot be made " + name);
  }

  // A run of plain characters; its spaces at both ends fall away.
  Node parse_word(bool is_key) {
    std::string plain;  // without the escapes
    size_t kept = 0;    // length of `plain` up to the last character that is no bare space
    bool typed = true;
    while (!at_end()) {
      const char c = peek();
      if (c == '\\' && at_ + 1 < text_.size() &&
          std::string_view("\\()[]{}:=, \t").find(text_[at_ + 1]) != std::string_view::npos) {
        plain += text_[at_ + 1];
        at_ += 2;
        kept = plain.size();
        typed = false;
      } else if (!is_key && c == '$' && at_ + 1 < text_.size() && text_[at_ + 1] == '{') {
        const size_t end = interpolation_end();
        plain += text_.substr(at_, end - at_);
        at_ = end;
        kept = plain.size();
        typed = false;
      } else if (is_word(c) || static_cast<unsigned char>(c) >= 0x80 || (c == ':' && !is_key) ||
                 is_space(c) ||
                 std::string_view("/-\\+.$%*@?|").find(c) != std::string_view::npos) {
        plain += c;
        ++at_;
        if (!is_space(c)) kept = plain.size();
      } else {
        break;
      }
    }
    if (kept == 0) fail("a value was expected", "quote texts with special characters");
    plain.resize(kept);
    return typed ? typed_word(plain) : Node(plain);
  }

  size_t interpolation_end() const {
    int open = 0;
    char quote = '\0';
    for (size_t i = at_ + 1; i < text_.size(); ++i) {
      const char c = text_[i];
      if (quote != '\0') {
        if (c == quote) quote = '\0';
      } else if (c == '\'' || c == '"') {
        quote = c;
      } else if (c == '{') {
        ++open;
      } else if (c == '}' && --open == 0) {
        return i + 1;
      }
    }
    fail("the interpolation is not closed by '}'");
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Override parse_override(std::string_view text) { return Parser(text).parse(); }

}  // namespace koi::config
