// One token out of a row of logits: repetition penalty, nucleus (top-p) cut, temperature, and a
// race with exponential noise. Plain floats: the rows are small, and the result is the same on
// every machine.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace koi::speech {

struct SamplingOptions {
  double temperature = 0.7;         // at least 1e-5 is used
  double top_p = 0.7;               // 0 to 1; 1 keeps every token
  double repetition_penalty = 1.2;  // 0.01 to 100; 1 is none
  bool greedy = false;              // the best token after the penalty; no noise is drawn

  bool operator==(const SamplingOptions&) const = default;
};

// What logits are divided by.
float used_temperature(const SamplingOptions& options);

// Throws Error(usage) naming the option that is out of its range.
void check_sampling(const SamplingOptions& options);

// Fills a row with draws of the exponential distribution with mean 1, in index order.
using Noise = std::function<void(std::span<float> row)>;

// std::mt19937(seed), reproducible everywhere: for each entry x = the next 32-bit output,
// q = float(-log(((x >> 8) + 0.5) / 2^24)).
Noise portable_noise(uint32_t seed);

// The probabilities that the race runs on, in the reference's order:
// 1. once for each different token of `previous`: logit / penalty if >= 0, else logit * penalty
//    (tokens outside of the row: Error(internal));
// 2. tokens are ranked by their softmax; those whose cumulative probability (their own included)
//    exceeds top_p get probability 0, the best token never;
// 3. logits / max(temperature, 1e-5), softmax.
// A logit of -infinity is a token that cannot be drawn; a row without any other, or with a NaN, is
// an Error(corrupt) (a damaged model).
std::vector<float> token_probabilities(std::span<const float> logits,
                                       std::span<const int64_t> previous,
                                       const SamplingOptions& options);

// Throws the Error(corrupt) of such a row.
[[noreturn]] void fail_damaged();

// argmax(p / q), q drawn from `noise` for the whole row; with options.greedy the best token.
int64_t sample_token(std::span<const float> logits, std::span<const int64_t> previous,
                     const SamplingOptions& options, const Noise& noise);

}  // namespace koi::speech
