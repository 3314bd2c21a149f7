// Low-rank adapters (LoRA, Hu et al. 2021) in loralib's layout, and their merge into the weights.
#pragma once

#include <cstdint>
#include <string>

#include "koi/checkpoint/tensor_view.h"
#include "koi/tensor/torch.h"

namespace koi::lm {

struct LoraConfig {
  int64_t r = 8;
  double alpha = 16;
  double dropout = 0.01;

  double scaling() const { return alpha / static_cast<double>(r); }
};

// Linear: y += B A dropout(x) * scaling, lora_A [r, in], lora_B [out, r]. Embedding: y += (B
// A)^T[index] * scaling, lora_A [r, num], lora_B [D, r], no dropout.
struct Adapter {
  at::Tensor lora_A, lora_B;
  double scaling = 1;
};

// What a forward pass draws: nothing (p 0 or not training), or a mask of its own for every call.
struct Dropout {
  double p = 0;
  bool train = false;
  at::Generator* generator = nullptr;

  at::Tensor apply(const at::Tensor& x) const;
};

}  // namespace koi::lm
