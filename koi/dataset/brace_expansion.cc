// expand_braces: a recursive descent over the pattern.
#include <algorithm>
#include <cstdlib>
#include <optional>
#include <regex>

#include "koi/base/error.h"
#include "koi/dataset/shard_files.h"

namespace koi::dataset {
namespace {

constexpr size_t kMaxPattern = 4096;
constexpr size_t kMaxPaths = 100'000;

using Strings = std::vector<std::string>;

class Expander {
 public:
  explicit Expander(std::string_view pattern) : pattern_(pattern) {}

  Strings run() {
    if (pattern_.size() > kMaxPattern) fail("is longer than 4096 bytes");
    Strings all = sequence(/*ends=*/"");
    if (at_ < pattern_.size()) fail("has a } without its {");
    return all;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::config, pattern_.substr(0, 200), what,
                "write \\{ for a brace that belongs to the name");
  }

  void check_count(size_t count) const {
    if (count > kMaxPaths) fail("gives more than " + std::to_string(kMaxPaths) + " paths");
  }

  // Everything up to one of `ends` or a brace that closes an outer group.
  Strings sequence(std::string_view ends) {
    Strings all{""};
    while (at_ < pattern_.size()) {
      const char c = pattern_[at_];
      if (c == '}' || ends.find(c) != std::string_view::npos) break;
      ++at_;
      if (c == '{') {
        all = product(all, group());
        continue;
      }
      const bool escaped = c == '\\' && at_ < pattern_.size();
      const char literal = escaped ? pattern_[at_++] : c;
      for (std::string& text : all) text.push_back(literal);
    }
    return all;
  }

  Strings product(const Strings& heads, const Strings& tails) const {
    check_count(heads.size() * tails.size());
    Strings all;
    for (const std::string& head : heads) {
      for (const std::string& tail : tails) all.push_back(head + tail);
    }
    return all;
  }

  // Behind a "{", up to and with its "}".
  Strings group() {
    const size_t begin = at_;
    Strings all;
    bool has_comma = false;
    while (true) {
      const Strings part = sequence(",");
      all.insert(all.end(), part.begin(), part.end());
      check_count(all.size());
      if (at_ == pattern_.size()) fail("has a { without its }");
      if (pattern_[at_++] == '}') break;
      has_comma = true;
    }
    if (has_comma) return all;
    const std::string inner(pattern_.substr(begin, at_ - 1 - begin));
    if (const auto numbers = number_range(inner)) return *numbers;
    if (const auto letters = letter_range(inner)) return *letters;
    for (std::string& text : all) text = "{" + text + "}";
    return all;
  }

  // first, first +- step, ... up to last.
  std::vector<int64_t> steps(int64_t first, int64_t last, const std::string& step_text) const {
    const int64_t step = std::max<int64_t>(1, step_text.empty() ? 1 : std::stoll(step_text));
    check_count(static_cast<size_t>(std::abs(last - first) / step) + 1);
    std::vector<int64_t> values;
    for (int64_t value = first; first <= last ? value <= last : value >= last;
         value += first <= last ? step : -step) {
      values.push_back(value);
    }
    return values;
  }

  // "1..10..2": filled up with zeros where one of the ends begins with one.
  std::optional<Strings> number_range(const std::string& inner) const {
    static const std::regex kPattern(R"((-?\d{1,15})\.\.(-?\d{1,15})(?:\.\.-?(\d{1,15}))?)");
    std::smatch match;
    if (!std::regex_match(inner, match, kPattern)) return std::nullopt;
    const auto is_padded = [](const std::string& text) {
      const size_t sign = text[0] == '-' ? 1 : 0;
      return text.size() > sign + 1 && text[sign] == '0';
    };
    const std::string first = match[1], last = match[2];
    const size_t width =
        is_padded(first) || is_padded(last) ? std::max(first.size(), last.size()) : 0;
    Strings all;
    for (const int64_t value : steps(std::stoll(first), std::stoll(last), match[3])) {
      std::string digits = std::to_string(std::abs(value));
      const std::string sign = value < 0 ? "-" : "";
      if (digits.size() + sign.size() < width)
        digits.insert(0, width - digits.size() - sign.size(), '0');
      all.push_back(sign + digits);
    }
    return all;
  }

  // "a..e": of the letters A to Z and, behind them, a to z.
  std::optional<Strings> letter_range(const std::string& inner) const {
    static const std::regex kPattern(R"(([A-Za-z])\.\.([A-Za-z])(?:\.\.-?(\d{1,15}))?)");
    static const std::string kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    std::smatch match;
    if (!std::regex_match(inner, match, kPattern)) return std::nullopt;
    const auto index = [](const std::string& letter) {
      return static_cast<int64_t>(kLetters.find(letter));
    };
    Strings all;
    for (const int64_t value : steps(index(match[1]), index(match[2]), match[3]))
      all.emplace_back(1, kLetters[static_cast<size_t>(value)]);
    return all;
  }

  std::string_view pattern_;
  size_t at_ = 0;
};

}  // namespace

std::vector<std::string> expand_braces(std::string_view pattern) { return Expander(pattern).run(); }

}  // namespace koi::dataset
