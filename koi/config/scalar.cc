#include "koi/config/scalar.h"

#include <charconv>
#include <cmath>

#include "koi/base/error.h"

namespace koi::config {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Digits with single underscores between them, from `at` on; returns their end.
size_t skip_digits(std::string_view text, size_t at) {
  while (at < text.size() &&
         (is_digit(text[at]) || (text[at] == '_' && at > 0 && is_digit(text[at - 1]) &&
                                 at + 1 < text.size() && is_digit(text[at + 1])))) {
    ++at;
  }
  return at;
}

}  // namespace

std::optional<Node> parse_decimal(std::string_view text) {
  size_t at = !text.empty() && (text[0] == '+' || text[0] == '-') ? 1 : 0;
  const size_t first = at;
  at = skip_digits(text, at);
  const size_t whole = at - first;
  size_t fraction = 0;
  bool real = false;
  if (at < text.size() && text[at] == '.') {
    real = true;
    fraction = skip_digits(text, at + 1) - at - 1;
    at += 1 + fraction;
  }
  if (whole + fraction == 0) return std::nullopt;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    real = true;
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const size_t end = skip_digits(text, at);
    if (end == at) return std::nullopt;
    at = end;
  }
  if (at != text.size() || (!real && whole > 1 && text[first] == '0')) return std::nullopt;

  std::string digits(text.substr(text[0] == '+' ? 1 : 0));
  std::erase(digits, '_');
  const char* end = digits.data() + digits.size();
  if (real) {
    double value = 0;
    const auto read = std::from_chars(digits.data(), end, value);
    // Out of range: Python reads infinity or zero.
    if (read.ec != std::errc()) value = std::strtod(digits.c_str(), nullptr);
    return Node(value);
  }
  int64_t value = 0;
  if (std::from_chars(digits.data(), end, value).ec != std::errc()) {
    throw Error(ErrorKind::config, text, "the number does not fit into 64 bits");
  }
  return Node(value);
}

std::string python_repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char buffer[32];
  const auto write = [&](std::chars_format format) {
    const auto written = std::to_chars(buffer, buffer + sizeof(buffer), value, format);
    return std::string(buffer, written.ptr);
  };
  std::string text = write(std::chars_format::scientific);
  const int exponent = std::stoi(text.substr(text.find('e') + 1));
  // Python writes an exponent below 1e-4 and from 1e16 on.
  if (exponent >= -4 && exponent < 16) text = write(std::chars_format::fixed);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string python_text(const Node& scalar, std::string_view where) {
  if (scalar.is_null()) return "None";
  if (const auto* flag = scalar.get<bool>()) return *flag ? "True" : "False";
  if (const auto* number = scalar.get<int64_t>()) return std::to_string(*number);
  if (const auto* number = scalar.get<double>()) return python_repr(*number);
  if (const auto* text = scalar.get<std::string>()) return *text;
  throw Error(ErrorKind::config, where,
              "a " + std::string(scalar.kind()) + " cannot stand inside a text");
}

}  // namespace koi::config
