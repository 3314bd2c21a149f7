#include "koi/eval/embedding.h"

#include <charconv>
#include <cmath>
#include <numeric>

#include "koi/base/error.h"

namespace koi::eval {
namespace {

double dot(const Embedding& a, const Embedding& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

}  // namespace

std::optional<Embedding> parse_embedding(const std::string& text, const std::string& where) {
  Embedding values;
  const char* at = text.data();
  const char* end = at + text.size();
  while (at != end) {
    if (*at == ' ') {
      ++at;
      continue;
    }
    double value = 0;
    const auto read = std::from_chars(at, end, value);
    if (read.ec != std::errc() || !std::isfinite(value) || (read.ptr != end && *read.ptr != ' '))
      throw Error(ErrorKind::corrupt, where, "is no list of numbers with spaces between");
    values.push_back(value);
    at = read.ptr;
  }
  if (values.empty()) return std::nullopt;
  const double length = std::sqrt(dot(values, values));
  if (length == 0 || !std::isfinite(length))
    throw Error(ErrorKind::corrupt, where, "has no length as a vector");
  for (double& value : values) value /= length;
  return values;
}

void Speaker::check(const Embedding& embedding) const {
  if (count_ == 0 || embedding.size() == sum_.size()) return;
  throw Error(ErrorKind::corrupt, "speaker embeddings",
              "have " + std::to_string(sum_.size()) + " and " + std::to_string(embedding.size()) +
                  " values, as many of each were expected");
}

void Speaker::add(const Embedding& embedding) {
  check(embedding);
  sum_.resize(embedding.size());
  for (size_t i = 0; i < sum_.size(); ++i) sum_[i] += embedding[i];
  ++count_;
}

std::optional<double> Speaker::likeness(const Embedding& embedding) const {
  check(embedding);
  if (count_ == 0) return std::nullopt;
  return dot(embedding, sum_) / std::sqrt(dot(sum_, sum_));
}

std::optional<double> Speaker::likeness_to_others(const Embedding& embedding) const {
  check(embedding);
  if (count_ < 2) return std::nullopt;
  Embedding others = sum_;
  for (size_t i = 0; i < others.size(); ++i) others[i] -= embedding[i];
  return dot(embedding, others) / std::sqrt(dot(others, others));
}

}  // namespace koi::eval
