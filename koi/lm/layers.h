// The layers of both transformers. Members are named as the checkpoint's keys. Axes: B batch, T
// new positions, S positions seen, H heads, G kv heads, D width.
#pragma once

#include <optional>
#include <vector>

#include "koi/lm/attend.h"
#include "koi/lm/config.h"
#include "koi/lm/lora.h"
#include "koi/tensor/torch.h"

namespace koi::lm {

struct Linear {
  at::Tensor weight;  // [out, in]; frozen ones may be int8, see int8_base.h
  at::Tensor bias;    // [out] or undefined
  std::optional<Adapter> lora = {};
  at::Tensor scales = {};  // fp32 [out], of the rows of an int8 weight; else undefined

  // x W^T + bias + B A dropout(x) * scaling: [..., in] -> [..., out], in the dtype of the present
  // autocast, else in x's. With an adapter x and the rank's values of each row are kept for
  // backward. No second derivatives.
  at::Tensor forward(const at::Tensor& x, const Dropout& dropout) const;
};

struct Embedding {
  at::Tensor weight;  // [num, D]
  std::optional<Adapter> lora;

  at::Tensor forward(const at::Tensor& indices) const;      // int64 [...] -> [..., D]
  at::Tensor forward_sum(const at::Tensor& indices) const;  // int64 [N, K] -> [N, D], summed over K
  // The same weights, with their adapter, as the output of tied embeddings: [..., D] -> [..., num].
  at::Tensor project(const at::Tensor& x) const;
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
  at::Tensor attention_norm, ffn_norm;  // [D]
};

// Keys and values of one transformer's layers while generating: state that is handed in, never a
// member of the model. Each of k, v is [B, G, capacity, head_dim]; the first `filled` positions
// hold something.
struct KvCache {
  std::vector<at::Tensor> k, v;
  int64_t filled = 0;
};

// What all blocks of one pass share.
struct BlockPass {
  const BlockSizes* sizes = nullptr;
  at::Tensor turns;  // rope rows of the T positions, see rope.h
  Mask mask = {};
  Dropout dropout = {};
  KvCache* cache = nullptr;  // where set, k and v are put behind its `filled` positions
  // Where defined, int64 [B]: k and v of the only column are put there instead, and mask.bias,
  // which is defined then, says which of the cache's first positions are seen.
  at::Tensor slots = {};
  // Where not empty: columns see only earlier ones of the same segment, `mask` is not looked at.
  std::vector<int64_t> segments = {};
};

// x [B, T, D] -> [B, T, D]. `layer` is the block's place in pass.cache.
at::Tensor forward_block(const Block& block, size_t layer, const at::Tensor& x,
                         const BlockPass& pass);

}  // namespace koi::lm
