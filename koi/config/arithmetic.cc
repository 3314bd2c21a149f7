#include "koi/config/arithmetic.h"

#include <cmath>

#include "koi/base/error.h"
#include "koi/config/scalar.h"

namespace koi::config {
namespace {

constexpr int kMaxDepth = 64;

class Calculator {
 public:
  explicit Calculator(std::string_view text) : text_(text) {}

  Node run() {
    Node value = sum(0);
    skip_space();
    if (at_ != text_.size()) fail("only numbers, + - * / // % ** and parentheses are evaluated");
    return value;
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool take(std::string_view token) {
    skip_space();
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::config, "eval:" + std::string(text_), what);
  }

  Node sum(int depth) {
    Node left = product(depth);
    for (;;) {
      if (take("+")) {
        left = apply('+', left, product(depth));
      } else if (take("-")) {
        left = apply('-', left, product(depth));
      } else {
        return left;
      }
    }
  }

  Node product(int depth) {
    Node left = power(depth);
    for (;;) {
      if (take("//")) {
        left = apply('f', left, power(depth));
      } else if (take("*")) {
        left = apply('*', left, power(depth));
      } else if (take("/")) {
        left = apply('/', left, power(depth));
      } else if (take("%")) {
        left = apply('%', left, power(depth));
      } else {
        return left;
      }
    }
  }

  // A sign binds less than **: -2**2 is -4.
  Node power(int depth) {
    if (depth > kMaxDepth) fail("is nested too deeply");
    if (take("-")) return apply('-', Node(int64_t{0}), power(depth + 1));
    if (take("+")) return power(depth + 1);
    Node base = atom(depth);
    if (take("**")) return apply('p', base, power(depth + 1));
    return base;
  }

  Node atom(int depth) {
    if (take("(")) {
      Node value = sum(depth + 1);
      if (!take(")")) fail("')' is missing");
      return value;
    }
    skip_space();
    size_t end = at_;
    while (end < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[end])) ||
                                  text_[end] == '.' || text_[end] == '_' ||
                                  ((text_[end] == '-' || text_[end] == '+') && end > at_ &&
                                   (text_[end - 1] == 'e' || text_[end - 1] == 'E')))) {
      ++end;
    }
    const auto number = parse_decimal(text_.substr(at_, end - at_));
    if (!number) fail("a number was expected");
    at_ = end;
    return *number;
  }

  Node apply(char op, const Node& left, const Node& right) const {
    const auto* a = left.get<int64_t>();
    const auto* b = right.get<int64_t>();
    if (a && b && op != '/' && !(op == 'p' && *b < 0)) return Node(integers(op, *a, *b));
    const double x = a ? static_cast<double>(*a) : *left.get<double>();
    const double y = b ? static_cast<double>(*b) : *right.get<double>();
    if (y == 0 && (op == '/' || op == 'f' || op == '%')) fail("division by zero");
    switch (op) {
      case '+':
        return Node(x + y);
      case '-':
        return Node(x - y);
      case '*':
        return Node(x * y);
      case '/':
        return Node(x / y);
      case 'f':
        return Node(std::floor(x / y));
      case '%':
        return Node(x - y * std::floor(x / y));
      default:
        return Node(std::pow(x, y));
    }
  }

  int64_t integers(char op, int64_t a, int64_t b) const {
    int64_t result = 0;
    bool overflow = false;
    switch (op) {
      case '+':
        overflow = __builtin_add_overflow(a, b, &result);
        break;
      case '-':
        overflow = __builtin_sub_overflow(a, b, &result);
        break;
      case '*':
        overflow = __builtin_mul_overflow(a, b, &result);
        break;
      case 'p':
        if (b > 64 && (a > 1 || a < -1)) fail("the result does not fit into 64 bits");
        result = 1;
        for (int64_t i = 0; i < (a > 1 || a < -1 ? b : b % 2 + 2 * (b > 0)) && !overflow; ++i) {
          overflow = __builtin_mul_overflow(result, a, &result);
        }
        break;
      default:
        if (b == 0) fail("division by zero");
        if (b == -1) return op == '%' ? 0 : integers('-', 0, a);
        result = a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
        if (op == '%') result = a - result * b;
    }
    if (overflow) fail("the result does not fit into 64 bits");
    return result;
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Node evaluate_arithmetic(std::string_view expression) { return Calculator(expression).run(); }

}  // namespace koi::config
