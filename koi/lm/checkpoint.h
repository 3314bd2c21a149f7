// A checkpoint folder in the published layout: config.json, model.pth (or model.safetensors),
// tokenizer.json, tokenizer_config.json, special_tokens_map.json (and the codec's generator .pth,
// which is not looked at here).
#pragma once

#include <optional>
#include <string>
#include <vector>

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
  // Nothing is read: every parameter looks like one NaN (float32, no memory). For adapters to be
  // put on, and for cpu_weights(), which reads the file itself.
  bool shapes_only = false;
  // Quantised weights become floats, to speak by tensors; false: they are refused.
  bool widen = false;
};

// No parameter requires gradients. For the files that are read see read_weights(). Throws Error
// naming the file and the key for missing, extra or wrong-shaped tensors, Error(unsupported) for
// quantised ones without `widen`, and all of read_config and text::Tokenizer::load (a folder of
// fish-speech 1.5 or S1 is said to be one).
DualAr load_model(const base::fs::path& folder, const LoadModelOptions& options);

// What computes fast: bfloat16 on a GPU, float on the CPU, where arithmetic in bfloat16 is many
// times slower.
at::ScalarType preferred_dtype(at::Device device);

// Gives all parameters values from scratch: every Linear and Embedding normal(0,
// initializer_range), biases 0, norms 1. The draws are the CPU's, whatever the model's device.
// Throws base::Interrupted where the process is told to stop.
void initialize(DualAr& model, uint64_t seed, at::ScalarType dtype = at::kFloat);

// The parameters, without adapters, as a state dict that the reference loads; atomically.
void save_weights(DualAr& model, const base::fs::path& path);
// model.pth and config.json in an existing folder.
void save_model(DualAr& model, const base::fs::path& folder);

// Marks a folder that koi merge-lora made.
inline constexpr char kMergeOrigin[] = "koi_merge.json";

// Copies what else a checkpoint folder holds byte for byte: its .json, .yaml and .pth files
// (configuration, tokenizer, codec), without the weights and kMergeOrigin. Gives their names.
std::vector<std::string> copy_companions(const base::fs::path& from, const base::fs::path& to);

}  // namespace koi::lm
