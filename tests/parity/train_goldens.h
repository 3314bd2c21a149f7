// What the training tests share: the golden model, batches, and comparisons.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
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

// True where a record has the part. Where not: a failure in the default set, absent in another one.
inline bool has_part(const json& record, const std::string& key) {
  if (record.contains(key)) return true;
  if (default_goldens()) {
    ADD_FAILURE() << "the goldens lack " << key;
  } else {
    std::printf("absent: %s\n", key.c_str());
  }
  return false;
}

// The LoRA of a recorded run with the start values `start`. Where the run does not name rank and
// alpha, the rank is that of the values and alpha that of the forward goldens.
inline lm::LoraConfig golden_lora(const json& run, const std::map<std::string, at::Tensor>& start) {
  lm::LoraConfig lora{.r = 0, .alpha = 0, .dropout = 0};
  for (const auto& [name, value] : start)
    if (name.ends_with(".lora_A")) lora.r = value.size(0);
  lora.alpha = run.contains("alpha")
                   ? run["alpha"].get<double>()
                   : read_json(golden("lm/forward/lora.json")).at("alpha").get<double>();
  return lora;
}

inline lm::DualAr golden_model(at::ScalarType dtype) {
  lm::LoadModelOptions options;
  options.dtype = dtype;
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

inline void expect_relative(double found, double expected, double tolerance,
                            const std::string& what) {
  EXPECT_LE(std::abs(found - expected), tolerance * std::abs(expected))
      << what << ": " << found << ", expected " << expected;
}

// |a - b| over |b|, in double.
inline double relative_distance(const at::Tensor& a, const at::Tensor& b) {
  const auto wide = b.to(at::kDouble);
  return ((a.to(at::kDouble) - wide).norm() / wide.norm().clamp_min(1e-30)).item<double>();
}

inline double max_distance(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

}  // namespace koi::test
