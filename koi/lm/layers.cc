#include "koi/lm/layers.h"

#include <cmath>
#include <limits>

#include "koi/lm/rope.h"

namespace koi::lm {
namespace {

// Few keys, or a single query: the plain formula costs less than the fused kernel.
constexpr int64_t kFewKeys = 64;

// q's heads that share a kv head stand one below the other, so that k and v are never repeated.
at::Tensor attend_explicitly(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                             const at::Tensor& bias, const Dropout& dropout, double p) {
  const int64_t batch = q.size(0), heads = q.size(1), count = q.size(2), head_dim = q.size(3);
  const int64_t groups = k.size(1), seen = k.size(2);
  const auto grouped = (q / std::sqrt(static_cast<double>(head_dim)))
                           .reshape({batch, groups, heads / groups * count, head_dim});
  auto scores = at::matmul(grouped, k.transpose(-1, -2)).view({batch, heads, count, seen});
  if (bias.defined()) scores = scores + bias;
  const auto weights = dropout.apply(at::softmax(scores, -1), p).view({batch, groups, -1, seen});
  return at::matmul(weights, v).view({batch, heads, count, head_dim});
}

// Each segment alone: nothing is computed between columns that do not see each other.
at::Tensor attend_in_segments(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                              const BlockPass& pass) {
  std::vector<at::Tensor> parts;
  int64_t from = 0;
  for (const int64_t length : pass.segments) {
    const auto part = [&](const at::Tensor& x) { return x.narrow(2, from, length); };
    parts.push_back(attend(part(q), part(k), part(v), causal_mask(length, 0, q.options()),
                           pass.dropout, pass.sizes->dropout));
    from += length;
  }
  return at::cat(parts, 2);
}

at::Tensor forward_attention(const Block& block, size_t layer, const at::Tensor& x,
                             const BlockPass& pass) {
  const BlockSizes& sizes = *pass.sizes;
  const int64_t batch = x.size(0), count = x.size(1);
  const auto qkv = block.attention.wqkv.forward(x, pass.dropout)
                       .view({batch, count, -1, sizes.head_dim});  // [B, T, H+2G, head_dim]
  const int64_t rotated_heads = sizes.n_head + sizes.n_local_heads;
  const auto qk = rotate(qkv.narrow(2, 0, rotated_heads), pass.turns).transpose(1, 2);
  const auto q = qk.narrow(1, 0, sizes.n_head);              // [B, H, T, head_dim]
  auto k = qk.narrow(1, sizes.n_head, sizes.n_local_heads);  // [B, G, T, head_dim]
  auto v = qkv.narrow(2, rotated_heads, sizes.n_local_heads).transpose(1, 2);
  if (pass.cache != nullptr) {
    const int64_t filled = pass.cache->filled;
    const auto append = [&](const at::Tensor& store, const at::Tensor& fresh) {
      store.narrow(2, filled, count).copy_(fresh);
      return store.narrow(2, 0, filled + count);  // [B, G, S, head_dim]
    };
    k = append(pass.cache->k[layer], k);
    v = append(pass.cache->v[layer], v);
  }
  const auto y = pass.segments.empty() ? attend(q, k, v, pass.mask, pass.dropout, sizes.dropout)
                                       : attend_in_segments(q, k, v, pass);
  return block.attention.wo.forward(y.transpose(1, 2).reshape({batch, count, -1}), pass.dropout);
}

at::Tensor forward_feed_forward(const FeedForward& layer, const at::Tensor& x,
                                const Dropout& dropout) {
  const auto gated = at::silu(layer.w1.forward(x, dropout)) * layer.w3.forward(x, dropout);
  return layer.w2.forward(gated, dropout);
}

}  // namespace

at::Tensor Linear::forward(const at::Tensor& x, const Dropout& dropout) const {
  const auto y = at::linear(x, weight, bias);
  if (!lora) return y;
  const auto low = at::linear(dropout.apply(x, lora->dropout), lora->lora_A);  // [..., r]
  return at::add(y, at::linear(low, lora->lora_B), lora->scaling);
}

at::Tensor Embedding::forward(const at::Tensor& indices) const {
  const auto y = at::embedding(weight, indices);
  if (!lora) return y;
  const auto low = at::embedding(lora->lora_A.t(), indices);  // [..., r]
  return at::add(y, at::linear(low, lora->lora_B), lora->scaling);
}

at::Tensor Embedding::forward_sum(const at::Tensor& indices) const {
  const auto flat = indices.reshape(-1);
  const auto starts = at::arange(0, indices.numel(), indices.size(1), flat.options());
  const auto sum = [&](const at::Tensor& rows) {
    return std::get<0>(at::embedding_bag(rows, flat, starts));  // in the mode 0: the sum
  };
  const auto y = sum(weight);
  if (!lora) return y;
  return at::add(y, at::linear(sum(lora->lora_A.t()), lora->lora_B), lora->scaling);
}

at::Tensor Embedding::project(const at::Tensor& x) const {
  const auto y = at::linear(x, weight);
  if (!lora) return y;
  return at::add(y, at::matmul(at::matmul(x, lora->lora_B), lora->lora_A), lora->scaling);
}

Mask causal_mask(int64_t count, int64_t before, const at::TensorOptions& options) {
  if (count == 1) return {};
  constexpr double kHidden = -std::numeric_limits<double>::infinity();
  return {.bias = at::full({count, before + count}, kHidden, options).triu_(before + 1),
          .causal = before == 0};
}

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  const auto wide = x.to(at::kFloat);
  const auto normed = wide * at::rsqrt(wide.square().mean(-1, /*keepdim=*/true) + eps);
  return normed.to(x.scalar_type()) * weight;
}

at::Tensor attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Mask& mask,
                  const Dropout& dropout, double p) {
  // The fused kernels draw dropout from a generator that cannot be chosen.
  if (dropout.draws(p) || k.size(2) <= kFewKeys || q.size(2) == 1)
    return attend_explicitly(q, k, v, mask.bias, dropout, p);
  std::optional<at::Tensor> bias;  // a single column sees everything and has none
  if (!mask.causal && mask.bias.defined()) bias = mask.bias;
  return at::scaled_dot_product_attention(q, k, v, bias,
                                          /*dropout_p=*/0.0, mask.causal, /*scale=*/std::nullopt,
                                          /*enable_gqa=*/true);
}

at::Tensor forward_block(const Block& block, size_t layer, const at::Tensor& x,
                         const BlockPass& pass) {
  const double eps = pass.sizes->norm_eps;
  const auto h = x + forward_attention(block, layer, rms_norm(x, block.attention_norm, eps), pass);
  return h +
         forward_feed_forward(block.feed_forward, rms_norm(h, block.ffn_norm, eps), pass.dropout);
}

}  // namespace koi::lm
