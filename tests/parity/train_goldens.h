// What the training tests share: the golden model, batches, and comparisons.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "koi/base/error.h"
#include "koi/checkpoint/npy.h"
#include "koi/checkpoint/pth.h"
#include "koi/lm/adapters.h"
#include "koi/lm/checkpoint.h"
#include "koi/tensor/bridge.h"
#include "koi/tensor/random.h"
#include "koi/train/trainer.h"
#include "tests/support/goldens.h"
#include "tests/support/test_device.h"

namespace koi::test {

using nlohmann::json;

inline at::Tensor npy_tensor(const std::string& relative) {
  return tensor::to_tensor(checkpoint::read_npy(golden(relative)));
}

inline std::map<std::string, at::Tensor> pth_tensors(const std::string& relative) {
  std::map<std::string, at::Tensor> tensors;
  for (const auto& [name, view] : checkpoint::load_state_dict(golden(relative)))
    tensors[name] = tensor::to_tensor(view);
  return tensors;
}

// `prefix` + "_inputs.npy", "_labels.npy", "_attention_masks.npy".
inline train::Batch golden_batch(const std::string& prefix) {
  train::Batch batch;
  batch.tokens = npy_tensor(prefix + "_inputs.npy").to(at::kLong);
  batch.labels = npy_tensor(prefix + "_labels.npy").to(at::kLong);
  batch.padding = npy_tensor(prefix + "_attention_masks.npy").to(at::kBool);
  return batch;
}

// The LoRA of the recorded run `kind` ("fp32", "bf16") with the start values `start`: the rank is
// theirs, alpha is named by the run or by the merge of its checkpoint. Where neither does, that is
// reported and the rank is 0.
inline lm::LoraConfig golden_lora(const json& recorded, const std::string& kind,
                                  const std::map<std::string, at::Tensor>& start) {
  lm::LoraConfig lora{.r = 0, .alpha = 0, .dropout = 0};
  json facts = recorded.at(kind);
  if (!facts.contains("alpha")) {
    if (!have_golden("lm/merge/merge.json")) return lora;
    const json merges = read_json(golden("lm/merge/merge.json"));
    if (!has_part(merges, kind)) return lora;
    facts = merges[kind];
  }
  lora.alpha = facts.at("alpha").get<double>();
  for (const auto& [name, value] : start)
    if (name.ends_with(".lora_A")) lora.r = value.size(0);
  return lora;
}

// The learning rate and warm-up of a run whose steps had the recorded `rates` (of two groups). A
// run that is shorter than its warm-up does not show where that ends, nor does it matter to it.
struct RecordedRates {
  double lr, warmup_steps;
};
inline RecordedRates rates_of(const json& rates) {
  const auto rate = [&](size_t step) { return rates.at(step).at(0).get<double>(); };
  const double lr = rate(rates.size() - 1);
  return {lr, rate(0) == lr ? 0 : std::round(lr / rate(1))};
}

// On the tests' device.
inline lm::DualAr golden_model(at::ScalarType dtype) {
  lm::LoadModelOptions options;
  options.dtype = dtype;
  options.device = test_device();
  options.writable = true;
  return lm::load_model(golden("lm/tiny"), options);
}

// The golden model with adapters: `start` where it has the name, else zero.
inline lm::DualAr model_with_adapters(const lm::LoraConfig& lora,
                                      const std::map<std::string, at::Tensor>& start,
                                      at::ScalarType dtype) {
  lm::DualAr model = golden_model(dtype);
  lm::add_lora(model, lora, 1);
  model.visit_lora([&](const std::string& name, at::Tensor& value) {
    const auto found = start.find(name);
    found == start.end() ? value.zero_() : value.copy_(found->second);
  });
  train::choose_trained(model, train::TrainedPart::adapters);
  return model;
}

// bfloat16's roundings, for which bounds from 1e-2 on stand, are no larger on a GPU.
inline void expect_relative(double found, double expected, double bound, const std::string& what) {
  const double allowed = bound < 1e-2 ? bound : bound;
  EXPECT_LE(std::abs(found - expected), allowed * std::abs(expected))
      << what << ": " << found << ", expected " << expected;
}

// |a - b| over |b|, in double.
inline double relative_distance(const at::Tensor& a, const at::Tensor& b) {
  const auto wide = b.to(at::kCPU, at::kDouble);
  return ((a.to(at::kCPU, at::kDouble) - wide).norm() / wide.norm().clamp_min(1e-30))
      .item<double>();
}

inline double max_distance(const at::Tensor& a, const at::Tensor& b) {
  const auto exact = [](const at::Tensor& x) { return x.to(at::kCPU, at::kDouble); };
  return (exact(a) - exact(b)).abs().max().item<double>();
}

}  // namespace koi::test
