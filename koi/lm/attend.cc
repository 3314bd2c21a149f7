#include "koi/lm/attend.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "koi/tensor/dropout.h"

namespace koi::lm {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

// Few keys, or a single query: on a CPU the plain formula costs less than the fused kernel, which
// draws dropout from a generator that cannot be chosen there.
constexpr int64_t kFewKeys = 64;

struct DropoutDraw {
  double p = 0;
  uint64_t seed = 0;
};

// The plain formula, for some queries at a time. Heads that share a kv head stand one below the
// other, so that k and v are never repeated.
class PlainAttention {
 public:
  PlainAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Mask& mask,
                 const DropoutDraw& draw)
      : q_(q), k_(k), v_(v), mask_(mask), draw_(draw) {}

  at::Tensor forward() const {
    at::Tensor y = like_queries(q_);
    for (const Piece& piece : pieces()) {
      const auto weights = dropped(piece, weights_of(piece));
      queries(y, piece).copy_(
          ungrouped(at::matmul(weights.to(v_.scalar_type()), keys(v_, piece)), piece));
    }
    return y;
  }

  // Of q, k and v, where g [B, H, T, head_dim] is that of the result.
  variable_list backward(const at::Tensor& g) const {
    at::Tensor gq = like_queries(q_), gk = at::zeros_like(k_), gv = at::zeros_like(v_);
    const auto narrow = [](const at::Tensor& tensor) { return tensor.transpose(-1, -2); };
    for (const Piece& piece : pieces()) {
      const auto weights = weights_of(piece);
      const auto gy = grouped(g, piece);
      keys(gv, piece).add_(at::matmul(narrow(dropped(piece, weights).to(gy.scalar_type())), gy));
      const auto gw = dropped(piece, at::matmul(gy, narrow(keys(v_, piece))).to(at::kFloat));
      const auto gs = at::_softmax_backward_data(gw, weights, -1, at::kFloat).to(gy.scalar_type());
      keys(gk, piece).add_(at::matmul(narrow(gs), grouped(q_, piece)).mul_(scale()));
      queries(gq, piece).copy_(ungrouped(at::matmul(gs, keys(k_, piece)).mul_(scale()), piece));
    }
    return {gq, gk, gv};
  }

 private:
  // Queries `from` .. `from + count`, which see the first `seen` keys.
  struct Piece {
    int64_t index = 0, from = 0, count = 0, seen = 0;
  };

  std::vector<Piece> pieces() const {
    constexpr int64_t kScoresAtOnce = 1 << 20;  // 4 MiB: they stay in the cache
    constexpr int64_t kLeast = 16;
    const int64_t per_query = q_.size(0) * q_.size(1) * k_.size(2);
    const int64_t step = std::max(kLeast, kScoresAtOnce / per_query);
    std::vector<Piece> result;
    for (int64_t from = 0; from < q_.size(2); from += step) {
      const int64_t count = std::min(step, q_.size(2) - from);
      result.push_back({.index = std::ssize(result),
                        .from = from,
                        .count = count,
                        .seen = mask_.causal ? from + count : k_.size(2)});
    }
    return result;
  }

  static at::Tensor queries(const at::Tensor& x, const Piece& piece) {
    return x.narrow(2, piece.from, piece.count);
  }
  static at::Tensor keys(const at::Tensor& x, const Piece& piece) {
    return x.narrow(2, 0, piece.seen);
  }
  // [B, H, T, head_dim] -> [B, G, H/G * count, head_dim], and back.
  at::Tensor grouped(const at::Tensor& x, const Piece& piece) const {
    return queries(x, piece).reshape({x.size(0), k_.size(1), -1, x.size(3)});
  }
  at::Tensor ungrouped(const at::Tensor& x, const Piece& piece) const {
    return x.view({q_.size(0), q_.size(1), piece.count, q_.size(3)});
  }
  // Positions lie before heads, as the layers on both sides have them.
  static at::Tensor like_queries(const at::Tensor& q) {
    return at::empty({q.size(0), q.size(2), q.size(1), q.size(3)}, q.options()).transpose(1, 2);
  }

  double scale() const { return 1 / std::sqrt(static_cast<double>(q_.size(3))); }

  // softmax of the scores in fp32, [B, G, H/G * count, seen].
  at::Tensor weights_of(const Piece& piece) const {
    at::Tensor scores = at::matmul(grouped(q_, piece), keys(k_, piece).transpose(-1, -2))
                            .mul_(scale())
                            .to(at::kFloat);
    if (mask_.bias.defined()) {
      at::Tensor bias = mask_.bias.narrow(-1, 0, piece.seen);
      if (bias.size(-2) > 1) bias = bias.narrow(-2, piece.from, piece.count);
      scores.view({q_.size(0), q_.size(1), piece.count, piece.seen}).add_(bias);
    }
    return at::softmax(scores, -1);
  }

  at::Tensor dropped(const Piece& piece, const at::Tensor& weights) const {
    return tensor::dropped(weights, draw_.p, draw_.seed + static_cast<uint64_t>(piece.index));
  }

  at::Tensor q_, k_, v_;
  Mask mask_;
  DropoutDraw draw_;
};

struct Attend : Function<Attend> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& q, const at::Tensor& k,
                            const at::Tensor& v, const Mask& mask, const DropoutDraw& draw) {
    context->save_for_backward({q, k, v, mask.bias});
    context->saved_data["causal"] = mask.causal;
    context->saved_data["p"] = draw.p;
    context->saved_data["seed"] = static_cast<int64_t>(draw.seed);
    return PlainAttention(q, k, v, mask, draw).forward();
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const auto& data = context->saved_data;
    const PlainAttention attention(
        saved[0], saved[1], saved[2], {.bias = saved[3], .causal = data.at("causal").toBool()},
        {.p = data.at("p").toDouble(), .seed = static_cast<uint64_t>(data.at("seed").toInt())});
    variable_list result = attention.backward(gradients[0]);
    result.resize(5);
    return result;
  }
};

// Whether libtorch's own kernels do it well.
bool is_fused(const at::Tensor& q, const at::Tensor& k, const Mask& mask, double p) {
  if (q.is_cpu()) return p == 0 && k.size(2) > kFewKeys && q.size(2) > 1;
  return at::elementSize(q.scalar_type()) == 2 && (mask.causal || !mask.bias.defined());
}

}  // namespace

Mask causal_mask(int64_t count, int64_t before, const at::TensorOptions& options) {
  if (count == 1) return {};
  constexpr double kHidden = -std::numeric_limits<double>::infinity();
  return {.bias = at::full({count, before + count}, kHidden, options).triu_(before + 1),
          .causal = before == 0};
}

at::Tensor attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Mask& mask,
                  const Dropout& dropout, double p) {
  const DropoutDraw draw{.p = dropout.chance(p), .seed = dropout.draw_seed(p, q.device())};
  if (!is_fused(q, k, mask, draw.p)) {
    const Mask whole =
        mask.causal && !mask.bias.defined() ? causal_mask(q.size(2), 0, q.options()) : mask;
    return at::GradMode::is_enabled() ? Attend::apply(q, k, v, whole, draw)
                                      : PlainAttention(q, k, v, whole, draw).forward();
  }
  if (draw.p > 0)
    at::Generator(at::globalContext().defaultGenerator(q.device())).set_current_seed(draw.seed);
  std::optional<at::Tensor> bias;  // a single column sees everything and has none
  if (!mask.causal && mask.bias.defined()) bias = mask.bias;
  return at::scaled_dot_product_attention(q, k, v, bias, draw.p, mask.causal,
                                          /*scale=*/std::nullopt, /*enable_gqa=*/true);
}

at::Tensor attend_one(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                      const at::Tensor& bias) {
  // Heads that share a kv head become its queries: so no kernel needs to know of sharing.
  const auto grouped = q.reshape({q.size(0), k.size(1), -1, q.size(3)});
  const auto given = bias.defined() ? std::optional(bias) : std::nullopt;
  return at::scaled_dot_product_attention(grouped, k, v, given).reshape(q.sizes());
}

}  // namespace koi::lm
