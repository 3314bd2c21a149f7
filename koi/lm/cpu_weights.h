// The weights of a model as the kernels for generation on a CPU read them.
#pragma once

#include <optional>
#include <vector>

#include "koi/kernels/matrix.h"
#include "koi/lm/model.h"
#include "koi/lm/stored_weights.h"

namespace koi::lm {

struct CpuLinear {
  kernels::Matrix weight;
  std::vector<float> bias;  // empty where there is none
};

struct CpuBlock {
  CpuLinear wqkv, wo, w1, w3, w2;
  std::vector<float> attention_norm, ffn_norm;
};

// The slow or the fast transformer.
struct CpuPart {
  BlockSizes sizes{};
  std::vector<CpuBlock> blocks;
  std::vector<float> norm;
  CpuLinear output;
  std::vector<float> turns;  // cosine and sine, [positions, head_dim / 2, 2], see rope.h
};

struct CpuWeights {
  ModelConfig config;
  int64_t semantic_token_id = 0;
  kernels::Matrix embeddings, codebook_embeddings, fast_embeddings;  // as the model has them
  CpuPart slow, fast;
  CpuLinear fast_project_in;  // no rows where the widths are equal
};

// The weights of `model`, with its adapters merged into them in fp32: embeddings keep their dtype
// and are views that keep the model's storage where it is float32 or bfloat16 on the CPU; all else,
// which every token reads as a whole, are copies in huge pages, which `threads` make. Throws
// base::Interrupted when base::stop_requested().
CpuWeights cpu_weights(const DualAr& model, const CpuFormats& formats, size_t threads);

// The same of a folder's file, without the model's tensors in between: `model` tells the shapes and
// has the adapters (LoadModelOptions::shapes_only). Views are of the mapped file, other pages of
// which are given back. Without `formats` those of the file. Quantised weights keep their format:
// adapters are merged in fp32 and the sum is quantised anew. Throws as read_weights and
// check_weights, and Error(unsupported) where quantised weights are asked for in another format.
CpuWeights load_cpu_weights(const base::fs::path& folder, const DualAr& model,
                            const std::optional<CpuFormats>& formats, size_t threads);

}  // namespace koi::lm
