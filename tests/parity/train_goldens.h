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

inline lm::DualAr golden_model(at::ScalarType dtype) {
  lm::LoadModelOptions options;
  options.dtype = dtype;
  options.writable = true;
  return lm::load_model(golden("lm/tiny"), options);
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
