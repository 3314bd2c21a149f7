// LoRA on the model: putting adapters on, filling them, merging them into the weights.
#pragma once

#include <string>
#include <vector>

#include "koi/checkpoint/tensor_view.h"
#include "koi/lm/adapter_file.h"
#include "koi/lm/model.h"

namespace koi::lm {

// Puts fresh adapters on what config.targets name; "all" is what the reference adapts: all
// embeddings, output, fast_output, and every wqkv, wo, w1, w2, w3. Linear: A kaiming_uniform(a =
// sqrt 5), B 0; Embedding: A 0, B normal(0, 1). They have the weights' dtype and do not require
// gradients. The draws are the CPU's. Throws Error(config) for a rank, alpha or dropout that cannot
// be, and for targets that name nothing.
// Differs: works on tied embeddings (the adapter acts at both ends) and on qkv bias, where the
// reference crashes; parts can be chosen.
void add_lora(DualAr& model, const LoraConfig& config, uint64_t seed);

// Fills the adapters that add_lora made from a checkpoint's state dict ("model."-prefixed or not;
// only names with "lora" are read). Missing, extra or wrong-shaped: Error(corrupt) naming `where`,
// the key and both shapes (another rank is said to be one).
void load_lora(DualAr& model, const checkpoint::StateDict& state, const std::string& where);

// An adapter and how much of it is wanted: its product is multiplied by `weight`.
struct WeightedAdapter {
  AdapterFile file;
  double weight = 1;
};

// Puts all of them on a model that has none, as if their products were added up: a layer with
// several adapters gets one whose rank is the sum of theirs. `base` is the model's folder: it is
// hashed, and compared, if an adapter says its base. Throws what load_lora and check_base throw,
// and Error(usage) for a full fine-tune.
void put_adapters(DualAr& model, const std::vector<WeightedAdapter>& adapters,
                  const base::fs::path& base);

// W += (B A) * scaling (embeddings: its transpose), the product in fp32, one rounding to the
// weight's dtype; removes the adapters. Throws Error(corrupt) when it changes nothing.
void merge_lora(DualAr& model);

}  // namespace koi::lm
