// Low-rank adapters (LoRA, Hu et al. 2021) in loralib's layout.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "koi/tensor/torch.h"

namespace koi::lm {

struct LoraConfig {
  int64_t r = 8;
  double alpha = 16;
  double dropout = 0.01;
  std::vector<std::string> targets = {"all"};  // what is adapted, see lora_targets.h
  bool use_rslora = false;                     // rank-stabilised scaling (Kalajdzievski 2023)

  // Of the product of B and A: alpha / r, or alpha / sqrt(r) with rsLoRA.
  double scaling() const {
    const auto rank = static_cast<double>(r);
    return alpha / (use_rslora ? std::sqrt(rank) : rank);
  }
};

// On a Linear: y += B A dropout(x) * scaling, lora_A [r, in], lora_B [out, r]. On an Embedding: y
// += (B A)^T[index] * scaling, lora_A [r, num], lora_B [D, r], no dropout.
struct Adapter {
  at::Tensor lora_A, lora_B;
  double scaling = 1;
  double dropout = 0;
};

// Where a forward pass draws its dropout masks from; nothing is drawn unless `train`.
struct Dropout {
  bool train = false;
  at::Generator* generator = nullptr;  // null: the device's own

  bool draws(double p) const { return train && p > 0; }
  // x with each element zeroed with probability p and the others divided by 1 - p, or x itself
  // where nothing is drawn.
  at::Tensor apply(const at::Tensor& x, double p) const;
};

}  // namespace koi::lm
