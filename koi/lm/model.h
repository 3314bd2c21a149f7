// The dual-AR language model: a slow transformer over frames, a fast one over the codebooks of a
// frame. Members are named as the checkpoint's keys. Behaviour: docs/parity.md. Axes: B batch, T
// tokens, K codebooks, V vocabulary, C codebook size, D width.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "koi/lm/config.h"
#include "koi/lm/lora.h"
#include "koi/tensor/parameters.h"

namespace koi::lm {

// A weight of a Linear or an Embedding, with its adapter where LoRA is on it.
struct Linear {
  at::Tensor weight;  // [out, in]
  at::Tensor bias;    // [out] or undefined
  std::optional<Adapter> lora;

  at::Tensor forward(const at::Tensor& x, const Dropout& dropout) const;  // [..., in] -> [..., out]
};

struct Embedding {
  at::Tensor weight;  // [num, D]
  std::optional<Adapter> lora;

  at::Tensor forward(const at::Tensor& indices) const;  // [...] int64 -> [..., D]
};

struct Attention {
  Linear wqkv, wo;
};
struct FeedForward {
  Linear w1, w2, w3;
};
struct Block {
  Attention attention;
  FeedForward feed_forward;
  at::Tensor attention_norm, ffn_norm;  // [D], keys "...norm.weight"
};

// Keys and values of one transformer's layers while generating; state that is handed in, never a
// member of the model. Each of k, v: [B, G, capacity, head_dim].
struct KvCache {
  std::vector<at::Tensor> k, v;
  int64_t filled = 0;
};

struct DualArOutput {
  at::Tensor token_logits;     // [B, T, V]
  at::Tensor codebook_logits;  // [B, T, K, C]
};

// What observers of tests see; called with the checkpoint-like name of a stage ("embed",
// "layers.0", "fast_layers.1").
using Trace = std::function<void(const std::string& stage, const at::Tensor& value)>;

struct ForwardOptions {
  bool train = false;  // attention and LoRA dropout are drawn only then
  bool recompute =
      false;  // layers are computed again in backward instead of kept (gradient checkpointing)
  at::Generator* generator = nullptr;  // of the dropout masks
  Trace trace;
};

class DualAr {
 public:
  // `semantic_token_id` is the id of <|semantic|> in the checkpoint's tokenizer.
  DualAr(ModelConfig config, int64_t semantic_token_id);

  const ModelConfig& config() const { return config_; }
  int64_t semantic_token_id() const { return semantic_token_id_; }

  // Every parameter under its key in the checkpoint, in the checkpoint's order; adapters are
  // visited by visit_lora.
  void visit(const tensor::ParameterVisitor& visitor);
  // lora_A, lora_B under "layers.0.attention.wqkv.lora_A", in the same order.
  void visit_lora(const tensor::ParameterVisitor& visitor);

  // All positions at once, for training and checks. `tokens` int64 [B, 1+K, T], row 0 token ids,
  // rows 1.. codes + 1; `padding` bool [B, T], true where padded, may be undefined.
  DualArOutput forward(const at::Tensor& tokens, const at::Tensor& padding,
                       const ForwardOptions& options) const;

  // One step of the slow part over new columns `tokens` [B, 1+K, T] behind what the cache holds:
  // token logits [B, V] and the un-normed hidden state [B, D] of the last column. Appends to the
  // cache.
  struct SlowStep {
    at::Tensor logits, hidden;
  };
  SlowStep forward_slow(const at::Tensor& tokens, KvCache& cache) const;

  // One step of the fast part at position cache.filled: `x` [B, fast D] is project_hidden(hidden)
  // at position 0, then embed_code(code). Logits [B, C].
  at::Tensor forward_fast(const at::Tensor& x, KvCache& cache) const;
  at::Tensor project_hidden(const at::Tensor& hidden) const;  // [B, D] -> [B, fast D]
  at::Tensor embed_code(const at::Tensor& codes) const;       // int64 [B] -> [B, fast D]

  KvCache make_slow_cache(int64_t batch, int64_t capacity) const;
  KvCache make_fast_cache(int64_t batch) const;

  Embedding embeddings, codebook_embeddings, fast_embeddings;
  std::vector<Block> layers, fast_layers;
  at::Tensor norm, fast_norm;
  Linear output;  // weight undefined where tie_word_embeddings
  Linear fast_output;
  Linear fast_project_in;  // weight undefined where fast_dim == dim

 private:
  ModelConfig config_;
  int64_t semantic_token_id_;
  at::Tensor rope_, fast_rope_;  // [positions, head_dim/2, 2] cos, sin
};

}  // namespace koi::lm
