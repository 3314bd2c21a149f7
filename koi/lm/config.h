// config.json of a dual-AR checkpoint. Source: spec of fish-speech 1.4's published file; absent
// keys take the reference's defaults, unknown keys are an error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "koi/base/files.h"

namespace koi::lm {

struct ModelConfig {
  std::string model_type = "dual_ar";
  int64_t vocab_size = 32000;
  int64_t n_layer = 32;
  int64_t n_head = 32;
  int64_t dim = 4096;
  int64_t intermediate_size = 0;  // 0: round_up(2*4*dim/3, 256)
  int64_t n_local_heads = -1;     // -1: n_head
  double rope_base = 10000;
  double norm_eps = 1e-5;
  int64_t max_seq_len = 2048;
  double dropout = 0.0;
  bool tie_word_embeddings = true;
  bool attention_qkv_bias = false;
  int64_t codebook_size = 160;
  int64_t num_codebooks = 4;
  int64_t n_fast_layer = 4;
  // The fast part's sizes; absent: as the slow part's.
  std::optional<int64_t> fast_dim, fast_n_head, fast_n_local_heads, fast_intermediate_size;
  std::optional<bool> fast_attention_qkv_bias;
  double initializer_range = 0.02;
  bool use_gradient_checkpointing = true;

  int64_t head_dim() const { return dim / n_head; }
};

// One transformer's sizes: the slow part's or the fast part's, all absent values filled in.
struct BlockSizes {
  int64_t dim, n_head, n_local_heads, head_dim, intermediate_size;
  bool qkv_bias;
  double norm_eps, dropout;
};
BlockSizes slow_sizes(const ModelConfig& config);
BlockSizes fast_sizes(const ModelConfig& config);

// Throws Error(config) naming the file and key for impossible values (dim not divisible by n_head,
// odd head_dim, ...).
ModelConfig read_config(const base::fs::path& path);
ModelConfig parse_config(std::string_view json, const std::string& where);
std::string config_json(
    const ModelConfig& config);  // sorted keys, indent 4, as the reference writes

}  // namespace koi::lm
