// Attention over heads that share keys and values (Ainslie et al. 2023). Axes: B batch, T queries,
// S keys, H heads, G kv heads.
#pragma once

#include <cstdint>
#include <vector>

#include "koi/lm/lora.h"
#include "koi/tensor/torch.h"

namespace koi::lm {

// Which positions a query may see: added to the scores, 0 or -inf, broadcast to [B, 1, T, S];
// undefined where all may be seen. `causal`: it is exactly the causal triangle, and may be left
// undefined.
struct Mask {
  at::Tensor bias;
  bool causal = false;
};
// The causal triangle for `count` queries behind `before` earlier positions, [count, before+count].
Mask causal_mask(int64_t count, int64_t before, const at::TensorOptions& options);

// softmax(q k^T / sqrt(head_dim) + mask) v with dropout `p` on the softmax: q [B, H, T, head_dim],
// k, v [B, G, S, head_dim] -> [B, H, T, head_dim]. Head h reads kv head h / (H/G). For backward q,
// k and v are kept, scores are made again: memory is linear in the positions. No second
// derivatives. On a GPU, in 16 bits and where each query sees all or the causal triangle, by flash
// attention (Dao 2023), whose dropout is drawn from the device's own generator, seeded for it.
at::Tensor attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Mask& mask,
                  const Dropout& dropout, double p);

// The same for a single query of each row, by the device's fused kernel, without gradients and
// dropout: q [B, H, 1, head_dim], `bias` [B, 1, 1, S] in q's dtype, or undefined.
at::Tensor attend_one(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                      const at::Tensor& bias);

}  // namespace koi::lm
