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

// Where a forward pass draws the seeds of its dropout masks (koi/tensor/dropout.h) from; nothing is
// drawn unless `train`.
struct Dropout {
  bool train = false;
  at::Generator* generator = nullptr;  // null: the device's own

  // The p with which elements are zeroed where layers ask for it.
  double chance(double p) const { return train ? p : 0; }
  // 0 where nothing is drawn.
  uint64_t draw_seed(double p, at::Device device) const;
};

}  // namespace koi::lm
