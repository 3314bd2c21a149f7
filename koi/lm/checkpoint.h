// A checkpoint folder in the published layout: config.json, model.pth, tokenizer.json,
// tokenizer_config.json, special_tokens_map.json, and the codec's generator .pth.
#pragma once

#include <memory>

#include "koi/lm/model.h"

namespace koi::lm {

struct LoadModelOptions {
  at::ScalarType dtype = at::kFloat;
  at::Device device = at::kCPU;
  int64_t max_seq_len = 0;   // 0: the config's
  bool load_weights = true;  // false: random, from scratch (seed below)
  uint64_t seed = 42;
};

// Throws Error naming the file and the key for missing, extra or wrong-shaped tensors; with a
// tokenizer.tiktoken instead of a tokenizer.json says that this is a 1.5 or S1 checkpoint. Weights
// in the file's dtype on the CPU are mapped, not copied.
DualAr load_model(const base::fs::path& folder, const LoadModelOptions& options);

// From scratch: every Linear and Embedding normal(0, initializer_range), biases 0, norms 1.
void initialize(DualAr& model, uint64_t seed, at::ScalarType dtype = at::kFloat);

// Puts fresh adapters on every place that the reference adapts (see spec: all embeddings, output,
// fast_output, and every wqkv, wo, w1, w2, w3): A kaiming_uniform(a = sqrt 5), B 0; embeddings: A
// 0, B normal(0, 1).
void add_lora(DualAr& model, const LoraConfig& config, uint64_t seed);

// Fills the adapters from a checkpoint's state dict ("model."-prefixed or not; only names with
// "lora" are read). Missing, extra or wrong-shaped: Error(corrupt) naming the key and both shapes
// (another rank than `config`'s is said so).
void load_lora(DualAr& model, const checkpoint::StateDict& state, const std::string& where);

// W += (B A) * scaling, the product in fp32, one rounding to the weight's dtype; removes the
// adapters. Throws Error(corrupt) when it changes nothing.
void merge_lora(DualAr& model);

// model.pth and config.json (a state dict that the reference loads), atomically.
void save_model(DualAr& model, const base::fs::path& folder);

}  // namespace koi::lm
