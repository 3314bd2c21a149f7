// Steps of LoRA training on the small model, for tests of how a step is spread.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "koi/lm/adapters.h"
#include "koi/train/step.h"
#include "tests/support/train_samples.h"

namespace koi::test {

// Each step has four samples of different lengths.
inline std::vector<train::Batch> step_samples(int step) {
  std::vector<train::Batch> samples;
  for (int i = 0; i < 4; ++i) {
    const uint64_t seed = static_cast<uint64_t>(4 * step + i);
    samples.push_back(make_sample(seed, 8 + 9 * ((step + i) % 4)));
  }
  return samples;
}

// Of step_samples, the batches of one rank: its part in `batches` batches of as many samples each.
inline std::vector<train::Batch> batches_of(int step, int batches,
                                            const train::ProcessGroup& group) {
  const auto samples = step_samples(step);
  const size_t size = samples.size() / static_cast<size_t>(batches * group.size());
  std::vector<train::Batch> result;
  auto from = samples.begin() + group.rank() * batches * static_cast<int64_t>(size);
  for (int i = 0; i < batches; ++i, from += static_cast<int64_t>(size))
    result.push_back(padded({from, from + static_cast<int64_t>(size)}));
  return result;
}

struct Trained {
  std::vector<double> losses;  // of each step
  std::vector<double> grad_norms;
  std::vector<at::Tensor> adapters;  // after the last step
};

inline Trained train_steps(int batches, train::LossReduction reduction,
                           train::ProcessGroup& group) {
  constexpr int kSteps = 5;
  lm::DualAr model = small_model();
  lm::add_lora(model, {.r = 2, .alpha = 4, .dropout = 0}, 1);
  train::choose_trained(model, train::TrainedPart::adapters);
  train::Trainer trainer(model, {.lr = 1e-3}, {.warmup_steps = 0}, {.accumulate_batches = batches},
                         tensor::make_generator(1));
  Trained trained;
  for (int step = 0; step < kSteps; ++step) {
    const auto result =
        train::take_step(trainer, batches_of(step, batches, group), reduction, group);
    trained.losses.push_back(result.losses.loss);
    trained.grad_norms.push_back(result.grad_norm);
  }
  for (const train::Parameter& parameter : trainer.parameters())
    if (parameter.trained()) trained.adapters.push_back(parameter.value.detach());
  return trained;
}

// The largest difference of losses and adapter weights; infinite where one trained nothing.
inline double difference(const Trained& a, const Trained& b) {
  double largest = a.adapters.empty() || a.adapters.size() != b.adapters.size()
                       ? std::numeric_limits<double>::infinity()
                       : 0;
  for (size_t i = 0; i < a.losses.size(); ++i) {
    largest = std::max(largest, std::abs(a.losses[i] - b.losses[i]));
    largest = std::max(largest, std::abs(a.grad_norms[i] - b.grad_norms[i]));
  }
  for (size_t i = 0; i < a.adapters.size() && i < b.adapters.size(); ++i)
    largest = std::max(largest, (a.adapters[i] - b.adapters[i]).abs().max().item<double>());
  return largest;
}

}  // namespace koi::test
