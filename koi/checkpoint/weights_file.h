// Where a checkpoint folder keeps the language model's weights, and whether they can be trained.
#pragma once

#include <map>
#include <string>

#include "koi/base/files.h"
#include "koi/checkpoint/tensor_view.h"

namespace koi::checkpoint {

inline constexpr char kPublishedWeights[] = "model.pth";
inline constexpr char kStoredWeights[] = "model.safetensors";  // of koi quantize

// Metadata of koi quantize, see docs/file_formats.md.
inline constexpr char kLayoutKey[] = "koi_layout";
inline constexpr char kLayout[] = "1";
inline constexpr char kBaseHashKey[] = "koi_base_hash";

// model.safetensors where it is there, else model.pth, there or not. Throws Error(config) where
// both are.
base::fs::path find_weights(const base::fs::path& folder);

struct WeightsFile {
  base::fs::path path;
  StateDict tensors;
  std::map<std::string, std::string> metadata = {};
  const void* map = nullptr;  // the owner of tensors that lie in the mapped file
};

// Maps what find_weights finds. Throws what that and the readers throw, and Error(unsupported) for
// a layout of quantised weights that this koi does not know.
WeightsFile load_weights(const base::fs::path& folder);

// Whether a matrix of integers is among them.
bool is_quantised(const StateDict& tensors);

// Throws Error(unsupported) where the weights are quantised: such can speak, but nothing can be
// added to them.
void require_full_weights(const WeightsFile& file);

}  // namespace koi::checkpoint
