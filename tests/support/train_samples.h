// A small model and training samples of any length, for tests of losses and training.
#pragma once

#include <algorithm>
#include <vector>

#include "koi/dataset/sample.h"
#include "koi/lm/checkpoint.h"
#include "koi/tensor/random.h"
#include "koi/train/batch.h"
#include "koi/train/parameters.h"

namespace koi::test {

inline constexpr int64_t kSemantic = 5;
inline constexpr int64_t kCodes = 12;

// All weights are trained.
inline lm::DualAr small_model(int64_t vocab_size = 32) {
  lm::ModelConfig config;
  config.vocab_size = vocab_size;
  config.n_layer = 2;
  config.n_head = 2;
  config.n_local_heads = 1;
  config.dim = 16;
  config.intermediate_size = 24;
  config.max_seq_len = 5000;
  config.codebook_size = kCodes;
  config.num_codebooks = 3;
  config.n_fast_layer = 1;
  config.initializer_range = 0.2;
  config.tie_word_embeddings = false;
  lm::DualAr model(config, kSemantic);
  lm::initialize(model, 1);
  train::choose_trained(model, train::TrainedPart::everything);
  return model;
}

// One sample [1, 4, T]: a few columns of text, then frames, then the end, whose code labels are 0.
inline train::Batch make_sample(uint64_t seed, int64_t length) {
  auto generator = tensor::make_generator(seed);
  const int64_t text = std::min<int64_t>(3, length);
  const auto words = at::randint(6, 30, {1, 1, text}, generator, at::kLong);
  const auto frames = at::full({1, 1, length - text}, kSemantic, at::kLong);
  const auto codes = at::randint(1, kCodes, {1, 3, length - text}, generator, at::kLong);
  train::Batch batch;
  batch.tokens = at::cat(
      {at::cat({words, frames}, 2), at::cat({at::zeros({1, 3, text}, at::kLong), codes}, 2)}, 1);
  batch.labels = batch.tokens.roll(-1, 2);
  batch.labels.slice(1, 1).select(2, length - 1).zero_();
  batch.labels.slice(1, 1).slice(2, 0, text - 1).fill_(dataset::kIgnoredLabel);
  return batch;
}

// The samples as rows, the shorter ones filled up.
inline train::Batch padded(const std::vector<train::Batch>& samples) {
  int64_t longest = 0;
  for (const train::Batch& sample : samples) longest = std::max(longest, sample.tokens.size(2));
  std::vector<at::Tensor> tokens, labels, padding;
  for (const train::Batch& sample : samples) {
    const int64_t length = sample.tokens.size(2), rest = longest - length;
    tokens.push_back(at::constant_pad_nd(sample.tokens, {0, rest}, 0));
    labels.push_back(at::constant_pad_nd(sample.labels, {0, rest}, dataset::kIgnoredLabel));
    padding.push_back(at::arange(longest).ge(length).unsqueeze(0));
  }
  return {.tokens = at::cat(tokens), .labels = at::cat(labels), .padding = at::cat(padding)};
}

// The samples one behind the other.
inline train::Batch packed(const std::vector<train::Batch>& samples) {
  std::vector<at::Tensor> tokens, labels;
  train::Batch batch;
  for (const train::Batch& sample : samples) {
    tokens.push_back(sample.tokens);
    labels.push_back(sample.labels);
    batch.segments.push_back(sample.tokens.size(2));
  }
  batch.tokens = at::cat(tokens, 2);
  batch.labels = at::cat(labels, 2);
  return batch;
}

}  // namespace koi::test
