#include "koi/lm/layers.h"

#include "koi/lm/functions.h"
#include "koi/lm/rope.h"

namespace koi::lm {
namespace {

struct HeadTensors {
  at::Tensor q, k, v;  // [B, heads, positions, head_dim]
};

// Each segment alone: nothing is computed between columns that do not see each other.
at::Tensor attend_in_segments(const HeadTensors& heads, const BlockPass& pass) {
  std::vector<at::Tensor> parts;
  int64_t from = 0;
  for (const int64_t length : pass.segments) {
    const auto part = [&](const at::Tensor& x) { return x.narrow(2, from, length); };
    const Mask mask{.bias = {}, .causal = length > 1};
    parts.push_back(attend(part(heads.q), part(heads.k), part(heads.v), mask, pass.dropout,
                           pass.sizes->dropout));
    from += length;
  }
  return at::cat(parts, 2);
}

// Puts k and v into the cache and attends to what it holds then.
at::Tensor attend_to_cache(size_t layer, const HeadTensors& fresh, const BlockPass& pass) {
  const at::Tensor &keys = pass.cache->k[layer], &values = pass.cache->v[layer];
  if (pass.slots.defined()) {
    const auto slots = pass.slots.view({-1, 1, 1, 1}).expand_as(fresh.k);
    const auto put = [&](const at::Tensor& store, const at::Tensor& column) {
      return store.scatter_(2, slots, column).narrow(2, 0, pass.mask.bias.size(-1));
    };
    return attend_one(fresh.q, put(keys, fresh.k), put(values, fresh.v), pass.mask.bias);
  }
  const int64_t filled = pass.cache->filled, count = fresh.k.size(2);
  const auto append = [&](const at::Tensor& store, const at::Tensor& columns) {
    store.narrow(2, filled, count).copy_(columns);
    return store.narrow(2, 0, filled + count);  // [B, G, S, head_dim]
  };
  return attend(fresh.q, append(keys, fresh.k), append(values, fresh.v), pass.mask, pass.dropout,
                pass.sizes->dropout);
}

at::Tensor attend_heads(size_t layer, const HeadTensors& heads, const BlockPass& pass) {
  if (pass.cache != nullptr) return attend_to_cache(layer, heads, pass);
  if (!pass.segments.empty()) return attend_in_segments(heads, pass);
  return attend(heads.q, heads.k, heads.v, pass.mask, pass.dropout, pass.sizes->dropout);
}

at::Tensor forward_attention(const Block& block, size_t layer, const at::Tensor& x,
                             const BlockPass& pass) {
  const BlockSizes& sizes = *pass.sizes;
  const int64_t batch = x.size(0), count = x.size(1);
  const auto qkv = block.attention.wqkv.forward(x, pass.dropout)
                       .view({batch, count, -1, sizes.head_dim});  // [B, T, H+2G, head_dim]
  const int64_t rotated_heads = sizes.n_head + sizes.n_local_heads;
  const auto qk = rotate(qkv.narrow(2, 0, rotated_heads), pass.turns).transpose(1, 2);
  const HeadTensors heads{.q = qk.narrow(1, 0, sizes.n_head),
                          .k = qk.narrow(1, sizes.n_head, sizes.n_local_heads),
                          .v = qkv.narrow(2, rotated_heads, sizes.n_local_heads).transpose(1, 2)};
  const auto y = attend_heads(layer, heads, pass);
  return block.attention.wo.forward(y.transpose(1, 2).reshape({batch, count, -1}), pass.dropout);
}

at::Tensor forward_feed_forward(const FeedForward& layer, const at::Tensor& x,
                                const Dropout& dropout) {
  const auto a = layer.w1.forward(x, dropout);
  const auto b = layer.w3.forward(x, dropout);
  return layer.w2.forward(gate(a, b), dropout);
}

}  // namespace

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

at::Tensor forward_block(const Block& block, size_t layer, const at::Tensor& x,
                         const BlockPass& pass) {
  const double eps = pass.sizes->norm_eps;
  const auto h = x + forward_attention(block, layer, rms_norm(x, block.attention_norm, eps), pass);
  return h +
         forward_feed_forward(block.feed_forward, rms_norm(h, block.ffn_norm, eps), pass.dropout);
}

}  // namespace koi::lm
