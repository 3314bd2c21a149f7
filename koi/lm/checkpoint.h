// A checkpoint folder in the published layout: config.json, model.pth, tokenizer.json,
// tokenizer_config.json, special_tokens_map.json (and the codec's generator .pth, which is not
// looked at here).
#pragma once

#include <optional>

#include "koi/lm/adapters.h"
#include "koi/lm/model.h"

namespace koi::lm {

struct LoadModelOptions {
  std::optional<at::ScalarType> dtype = at::kFloat;  // absent: the file's, float of several
  at::Device device = at::kCPU;
  int64_t max_seq_len = 0;   // 0: the config's
  bool load_weights = true;  // false: random, from scratch (seed below); model.pth may be missing
  uint64_t seed = 42;
  // Weights that need neither another dtype nor another device are views of the mapped file, which
  // must not be written to. True: copies, for training that changes the weights themselves.
  bool writable = false;
};

// No parameter requires gradients. model.pth may be a plain state dict or one wrapped in
// "state_dict" with a "model." prefix; wq, wk, wv of old files become wqkv. Throws Error naming the
// file and the key for missing, extra or wrong-shaped tensors, and all of read_config and
// text::Tokenizer::load (a folder of fish-speech 1.5 or S1 is said to be one).
DualAr load_model(const base::fs::path& folder, const LoadModelOptions& options);

// What computes fast: bfloat16 on a GPU, float on the CPU, where arithmetic in bfloat16 is many
// times slower.
at::ScalarType preferred_dtype(at::Device device);

// Gives all parameters values from scratch: every Linear and Embedding normal(0,
// initializer_range), biases 0, norms 1. The draws are the CPU's, whatever the model's device.
void initialize(DualAr& model, uint64_t seed, at::ScalarType dtype = at::kFloat);

// The parameters, without adapters, as a state dict that the reference loads; atomically.
void save_weights(DualAr& model, const base::fs::path& path);
// model.pth and config.json in an existing folder.
void save_model(DualAr& model, const base::fs::path& folder);

}  // namespace koi::lm
