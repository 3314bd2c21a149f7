// LoRA on the model: putting adapters on, filling them, merging them into the weights.
#pragma once

#include <string>

#include "koi/checkpoint/tensor_view.h"
#include "koi/lm/model.h"

namespace koi::lm {

// Puts fresh adapters on every place that the reference adapts: all embeddings, output,
// fast_output, and every wqkv, wo, w1, w2, w3. Linear: A kaiming_uniform(a = sqrt 5), B 0;
// Embedding: A 0, B normal(0, 1). They have the weights' dtype and do not require gradients. The
// draws are the CPU's. Throws Error(config) for a rank, alpha or dropout that cannot be.
// Differs: works on tied embeddings (the adapter acts at both ends) and on qkv bias, where the
// reference crashes.
void add_lora(DualAr& model, const LoraConfig& config, uint64_t seed);

// Fills the adapters that add_lora made from a checkpoint's state dict ("model."-prefixed or not;
// only names with "lora" are read). Missing, extra or wrong-shaped: Error(corrupt) naming `where`,
// the key and both shapes (another rank is said to be one).
void load_lora(DualAr& model, const checkpoint::StateDict& state, const std::string& where);

// W += (B A) * scaling (embeddings: its transpose), the product in fp32, one rounding to the
// weight's dtype; removes the adapters. Throws Error(corrupt) when it changes nothing.
void merge_lora(DualAr& model);

}  // namespace koi::lm
