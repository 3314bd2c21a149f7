#include "koi/speech/sampling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>
#include <string_view>

#include "koi/base/error.h"

namespace koi::speech {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();
constexpr double kLeastTemperature = 1e-5;

// Sum in double, entries rounded to float: within an ulp of torch's softmax.
std::vector<float> softmax(std::span<const float> logits) {
  const float best = *std::max_element(logits.begin(), logits.end());
  std::vector<float> result(logits.size());
  double sum = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    result[i] = std::exp(logits[i] - best);
    sum += static_cast<double>(result[i]);
  }
  for (float& p : result) p = static_cast<float>(static_cast<double>(p) / sum);
  return result;
}

void check_row(std::span<const float> logits) {
  bool possible = false;
  for (const float logit : logits) {
    if (std::isnan(logit) || logit == -kNever) fail_damaged();
    possible |= logit != kNever;
  }
  if (!possible) throw Error(ErrorKind::corrupt, "token logits", "no token can be drawn");
}

std::vector<float> penalised(std::span<const float> logits, std::span<const int64_t> previous,
                             double penalty) {
  std::vector<float> result(logits.begin(), logits.end());
  const float factor = static_cast<float>(penalty);
  for (const int64_t token : std::set<int64_t>(previous.begin(), previous.end())) {
    if (token < 0 || token >= std::ssize(result)) {
      throw Error(ErrorKind::internal, "repetition penalty",
                  fmt::format("token {} of {}", token, result.size()));
    }
    float& logit = result[static_cast<size_t>(token)];
    logit = logit < 0 ? logit * factor : logit / factor;
  }
  return result;
}

// Sets the logits outside of the nucleus to -infinity.
void keep_nucleus(std::vector<float>& logits, double top_p) {
  const std::vector<float> probability = softmax(logits);
  std::vector<size_t> ranked;  // those that can be drawn: often a few of very many
  for (size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] != kNever) ranked.push_back(i);
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [&](size_t a, size_t b) { return logits[a] > logits[b]; });
  // The sum is compared as a float, because the reference's is one: a sum of exactly top_p stays.
  double cumulative = 0;
  for (size_t rank = 0; rank < ranked.size(); ++rank) {
    cumulative += static_cast<double>(probability[ranked[rank]]);
    if (rank > 0 && static_cast<float>(cumulative) > static_cast<float>(top_p)) {
      logits[ranked[rank]] = kNever;
    }
  }
}

void check_range(std::string_view option, double value, bool ok, std::string_view range) {
  if (ok) return;
  throw Error(ErrorKind::usage, option, fmt::format("{} is out of range", value),
              fmt::format("give {}", range));
}

}  // namespace

float used_temperature(const SamplingOptions& options) {
  return static_cast<float>(std::max(options.temperature, kLeastTemperature));
}

void check_sampling(const SamplingOptions& options) {
  const double penalty = options.repetition_penalty;
  check_range("--temperature", options.temperature,
              options.temperature >= 0 && std::isfinite(options.temperature), "a number from 0 up");
  check_range("--top-p", options.top_p, options.top_p >= 0 && options.top_p <= 1,
              "a number from 0 to 1");
  check_range("--repetition-penalty", penalty, penalty >= 0.01 && penalty <= 100,
              "a number from 0.01 to 100 (1 is none)");
}

Noise portable_noise(uint32_t seed) {
  return [generator = std::mt19937(seed)](std::span<float> row) mutable {
    for (float& q : row) {
      const double uniform = (static_cast<double>(generator() >> 8) + 0.5) / 16777216.0;
      q = static_cast<float>(-std::log(uniform));
    }
  };
}

void fail_damaged() {
  throw Error(ErrorKind::corrupt, "token logits", "a value is NaN or infinite",
              "the model's weights are damaged or its precision is too low");
}

std::vector<float> token_probabilities(std::span<const float> logits,
                                       std::span<const int64_t> previous,
                                       const SamplingOptions& options) {
  check_row(logits);
  std::vector<float> kept = penalised(logits, previous, options.repetition_penalty);
  keep_nucleus(kept, options.top_p);
  const float temperature = used_temperature(options);
  for (float& logit : kept) logit /= temperature;
  return softmax(kept);
}

int64_t sample_token(std::span<const float> logits, std::span<const int64_t> previous,
                     const SamplingOptions& options, const Noise& noise) {
  if (options.greedy) {
    check_row(logits);
    const std::vector<float> ranked = penalised(logits, previous, options.repetition_penalty);
    return std::max_element(ranked.begin(), ranked.end()) - ranked.begin();
  }
  std::vector<float> race = token_probabilities(logits, previous, options);
  std::vector<float> row(race.size());
  noise(row);
  for (size_t i = 0; i < race.size(); ++i) race[i] /= row[i];
  return std::max_element(race.begin(), race.end()) - race.begin();
}

}  // namespace koi::speech
