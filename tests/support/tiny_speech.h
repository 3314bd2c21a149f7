// The goldens' smallest language model, ready to speak, and what its tests have it say.
#pragma once

#include <algorithm>
#include <memory>
#include <string_view>
#include <vector>

#include "koi/speech/generate.h"
#include "koi/tensor/device.h"

namespace koi::test {

inline const speech::SpeechModel& tiny_model() {
  static const speech::SpeechModel model = [] {
    tensor::set_threads(1);  // the model is too small to share
    return speech::load_speech_model(KOI_SOURCE_DIR "/tests/goldens/lm/tiny", {.max_seq_len = 96});
  }();
  return model;
}

inline speech::TokenColumns prompt_of(std::string_view text) {
  return speech::encode_tokens(tiny_model().tokenizer, text, nullptr,
                               tiny_model().prompt_options());
}

// Draws of 1, but for <|im_end|> in each race in which it takes part. In constrained generation it
// is the second of two.
inline speech::Noise im_end_draws(float value) {
  return [value](std::span<float> row) {
    std::fill(row.begin(), row.end(), 1.0F);
    if (row.size() == 2) row[1] = value;
    if (std::ssize(row) == tiny_model().model.config().vocab_size)
      row[static_cast<size_t>(tiny_model().im_end_id)] = value;
  };
}
// It wins, and other tokens no sooner.
inline speech::Noise im_end_first() { return im_end_draws(1e-30F); }

inline speech::GenerateOptions hot() {
  speech::GenerateOptions options;
  options.sampling = {.temperature = 5, .top_p = 1, .repetition_penalty = 1};
  return options;
}

// By tensors and by kernels.
inline std::vector<speech::SpeechModel> both_ways() {
  std::vector<speech::SpeechModel> ways{tiny_model(), tiny_model()};
  ways.back().cpu = std::make_shared<lm::CpuWeights>(lm::cpu_weights(tiny_model().model, {}, 1));
  return ways;
}

inline int64_t common_columns(const speech::TokenColumns& a, const speech::TokenColumns& b) {
  const auto [apart, other] =
      std::mismatch(a.values.begin(), a.values.end(), b.values.begin(), b.values.end());
  return (apart - a.values.begin()) / a.rows;
}

}  // namespace koi::test
