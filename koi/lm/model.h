// The dual-AR language model: a slow transformer over frames, a fast one over the codebooks of a
// frame. Members are named as the checkpoint's keys. Behaviour: docs/parity.md. Axes: B batch, T
// tokens, K codebooks, V vocabulary, C codebook size, D width. The weights' dtype is that of the
// computation; norms and rope are computed in fp32.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "koi/lm/config.h"
#include "koi/lm/layers.h"
#include "koi/tensor/parameters.h"

namespace koi::lm {

struct DualArInput {
  at::Tensor tokens;   // int64 [B, 1+K, T], row 0 token ids, rows 1.. model codes (stored code + 1)
  at::Tensor padding;  // bool [B, T], true where padded; may be undefined
  // Lengths of samples that stand one behind the other in the only row (B = 1), their sum is T:
  // each is computed as if it were alone. Empty: every row is one sample.
  std::vector<int64_t> segments = {};
  // As tokens: what the slow part reads in their place. The fast part, and what is asked for, go by
  // `tokens`. Undefined: the same.
  at::Tensor heard = {};
};

// What the logits are made of.
struct DualArHidden {
  at::Tensor slow;  // [B*T, D], un-normed
  at::Tensor rows;  // int64 [N], which of the B*T positions have a next frame; where the tokens lie
  at::Tensor fast_rows;  // int64 [M], those of `rows` that the fast part computed, likewise
  at::Tensor fast;       // [M, K, fast D], of these, un-normed
};

struct DualArOutput {
  at::Tensor token_logits;     // [B, T, V]
  at::Tensor codebook_logits;  // [B, T, K, C]
};

// What observers of tests see; called with the checkpoint-like name of a stage ("embed",
// "layers.0", "fast_layers.1").
using Trace = std::function<void(const std::string& stage, const at::Tensor& value)>;

struct ForwardOptions {
  bool train = false;      // attention and LoRA dropout are drawn only then
  bool recompute = false;  // gradient checkpointing of every block; the model must outlive backward
  at::Generator* generator = nullptr;  // of the dropout masks, on the model's device
  // Which frames the fast part computes: above 0 to 1, this share of them, evenly spaced, and 0 to
  // below 1, where the first one lies in its space.
  double fast_frames = 1;
  double fast_offset = 0;
  Trace trace = {};
};

class DualAr {
 public:
  // All parameters have their shapes but no storage (the meta device) until load_model or
  // initialize gives them values. `semantic_token_id` is the id of <|semantic|> in the checkpoint's
  // tokenizer. `device` is where the parameters will be.
  DualAr(const ModelConfig& config, int64_t semantic_token_id, at::Device device = at::kCPU);

  const ModelConfig& config() const { return config_; }
  int64_t semantic_token_id() const { return semantic_token_id_; }
  at::Device device() const { return rope_.device(); }
  at::ScalarType dtype() const { return embeddings.weight.scalar_type(); }

  // Every parameter under its key in the checkpoint, in the checkpoint's order; adapters are
  // visited by visit_lora.
  void visit(const tensor::ParameterVisitor& visitor);
  // lora_A, lora_B under "layers.0.attention.wqkv.lora_A", in the same order.
  void visit_lora(const tensor::ParameterVisitor& visitor);
  // Every Linear and Embedding that LoRA adapts, under its key without ".weight", in the same
  // order. All but fast_project_in.
  struct AdaptedVisitor {
    std::function<void(const std::string& name, Linear& linear)> linear;
    std::function<void(const std::string& name, Embedding& embedding)> embedding;
  };
  void visit_adapted(const AdaptedVisitor& visitor);

  // All positions at once, for training. The tensors of `input` may lie on the CPU whatever the
  // model's device. Positions whose next frame's codes 1..K-1 are all 0 are not among `rows` (where
  // that holds for all, the first 8 are taken all the same). Throws Error(config) for a wrong
  // shape, a sample of more positions than max_seq_len, and (where tokens lie on the CPU) ids or
  // codes out of range.
  DualArHidden forward_hidden(const DualArInput& input, const ForwardOptions& options) const;
  at::Tensor token_logits(const at::Tensor& slow, const Dropout& dropout) const;  // [..., D] -> V
  at::Tensor code_logits(const at::Tensor& fast, const Dropout& dropout) const;   // [..., fD] -> C

  // forward_hidden and all its logits, for checks: they are large. Codebook logits are exactly zero
  // at positions that are not among `rows`.
  DualArOutput forward(const at::Tensor& tokens, const at::Tensor& padding,
                       const ForwardOptions& options) const;

  // One step of the slow part over new columns `tokens` [B, 1+K, T] behind what the cache holds:
  // token logits [B, V] and the un-normed hidden state [B, D] of the last column. Appends to the
  // cache. No gradients. Errors as forward, and Error(config) where the cache is full.
  struct SlowStep {
    at::Tensor logits, hidden;
  };
  SlowStep forward_slow(const at::Tensor& tokens, KvCache& cache) const;

  // The same for one column of each row, `tokens` int64 [B, 1+K] at `positions` int64 [B] of the
  // cache [B, ...], of which the first `span` are looked at, more than all `positions`, and have to
  // be finite numbers.
  // cache.filled is neither looked at nor changed. All lies on the model's device, nothing is
  // checked, no operation depends on a value or waits for one: so it can be recorded
  // (tensor::WorkGraphs).
  struct ColumnPlaces {
    at::Tensor positions;
    int64_t span = 0;
  };
  SlowStep step_slow(const at::Tensor& tokens, const ColumnPlaces& places, KvCache& cache) const;

  // One step of the fast part at position cache.filled: `x` [B, fast D] is project_hidden(hidden)
  // at position 0, then embed_code(code). Logits [B, C]. No gradients.
  at::Tensor forward_fast(const at::Tensor& x, KvCache& cache) const;
  at::Tensor project_hidden(const at::Tensor& hidden) const;  // [..., D] -> [..., fast D]
  at::Tensor embed_code(const at::Tensor& codes) const;       // int64 [...] -> [..., fast D]

  // Empty caches; to start again set `filled` to 0.
  KvCache make_slow_cache(int64_t batch, int64_t capacity) const;
  KvCache make_fast_cache(int64_t batch) const;

  Embedding embeddings, codebook_embeddings, fast_embeddings;
  std::vector<Block> layers, fast_layers;
  at::Tensor norm, fast_norm;
  Linear output;           // weight undefined where tie_word_embeddings
  Linear fast_project_in;  // weight undefined where fast_dim == dim
  Linear fast_output;

 private:
  void check_tokens(const at::Tensor& tokens) const;
  void check_length(int64_t positions) const;
  void check_segments(const DualArInput& input) const;
  at::Tensor embed(const at::Tensor& tokens) const;  // [B, 1+K, T] -> [B, T, D]
  // The codes of the next frame in the same sample, zeros where there is none, [B*T, K].
  at::Tensor next_codes(const at::Tensor& tokens, const std::vector<int64_t>& segments) const;

  ModelConfig config_;
  BlockSizes slow_, fast_;
  int64_t semantic_token_id_;
  at::Tensor rope_, fast_rope_;  // see rope_table
};

}  // namespace koi::lm
