// config.json of a dual-AR checkpoint: reading, checking, writing. Source: the published file of
// fish-speech 1.4 and the reference's measured defaults (docs/parity.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "koi/base/files.h"

namespace koi::lm {

// The defaults are those of absent keys.
struct ModelConfig {
  int64_t vocab_size = 32000;
  int64_t n_layer = 32;
  int64_t n_head = 32;
  int64_t dim = 4096;
  std::optional<int64_t> intermediate_size;  // absent: 2*4*dim/3 rounded up to a multiple of 256
  int64_t n_local_heads = -1;                // -1: n_head
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
};

// One transformer's sizes, all absent values filled in. The keys head_dim and fast_head_dim decide
// nothing: it is always dim / n_head of the part.
struct BlockSizes {
  int64_t dim, n_head, n_local_heads, head_dim, intermediate_size;
  bool qkv_bias;
  double norm_eps, dropout;

  int64_t qkv_dim() const { return (n_head + 2 * n_local_heads) * head_dim; }
};
BlockSizes slow_sizes(const ModelConfig& config);
BlockSizes fast_sizes(const ModelConfig& config);

// Throws Error(not_found, io) for the file, Error(corrupt) for broken JSON, Error(config) naming
// `where` and the key for unknown keys, wrong types and impossible values (dim not divisible by
// n_head, odd head_dim, sizes that no model has), Error(unsupported) for another kind of model.
ModelConfig read_config(const base::fs::path& path);
ModelConfig parse_config(std::string_view json, const std::string& where);

// The text that the reference writes: all 27 keys sorted, absent values filled in, indent 4, no
// line break at the end.
std::string config_json(const ModelConfig& config);

}  // namespace koi::lm
