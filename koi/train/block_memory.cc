#include "koi/train/block_memory.h"

#include <cmath>

#include "koi/lm/rope.h"
#include "koi/tensor/autocast.h"
#include "koi/tensor/memory_meter.h"
#include "koi/tensor/random.h"

namespace koi::train {
namespace {

struct Use {
  int64_t kept = 0, peak = 0;
};

// The model's tensors under handles of their own, so that gradients do not reach its parameters.
lm::DualAr detached(const lm::DualAr& model) {
  lm::DualAr copy = model;
  const auto detach = [](const std::string&, at::Tensor& value) {
    value = value.detach().requires_grad_(value.requires_grad());
  };
  copy.visit(detach);
  copy.visit_lora(detach);
  return copy;
}

class BlockMeter {
 public:
  BlockMeter(const lm::DualAr& model, const TrainerOptions& options)
      : model_(detached(model)),
        mixed_(options.mixed_precision),
        generator_(tensor::make_generator(0, model.device())) {
    // There already: what is measured is without them.
    const auto add_gradient = [](const std::string&, at::Tensor& value) {
      if (value.requires_grad()) value.mutable_grad() = at::zeros_like(value);
    };
    for (auto* blocks : {&model_.layers, &model_.fast_layers}) blocks->resize(1);
    model_.visit(add_gradient);
    model_.visit_lora(add_gradient);
  }

  Use slow(int64_t tokens, bool packed) {
    const lm::BlockSizes sizes = lm::slow_sizes(model_.config());
    lm::BlockPass pass = pass_over(sizes, tokens);
    if (packed) pass.segments = {tokens};
    return measure(model_.layers.front(), pass, {1, tokens, sizes.dim});
  }

  Use fast(int64_t frames) {
    const lm::BlockSizes sizes = lm::fast_sizes(model_.config());
    const int64_t codebooks = model_.config().num_codebooks;
    return measure(model_.fast_layers.front(), pass_over(sizes, codebooks),
                   {frames, codebooks, sizes.dim});
  }

 private:
  lm::BlockPass pass_over(const lm::BlockSizes& sizes, int64_t columns) {
    const auto options = model_.norm.options().requires_grad(false);
    return {
        .sizes = &sizes,
        .turns =
            lm::rope_table(columns, sizes.head_dim, model_.config().rope_base).to(model_.device()),
        .mask = lm::causal_mask(columns, 0, options),
        .dropout = {.train = true, .generator = &generator_}};
  }

  Use measure(const lm::Block& block, const lm::BlockPass& pass, at::IntArrayRef shape) {
    const auto x =
        at::randn(shape, std::make_optional(generator_), model_.norm.options().requires_grad(false))
            .requires_grad_(true);
    std::optional<at::ScalarType> products;
    if (mixed_) products = at::kBFloat16;
    const tensor::MemoryMeter meter;
    at::Tensor y;
    {
      const tensor::AutocastGuard guard(model_.device().type(), products);
      y = lm::forward_block(block, 0, x, pass);
    }
    const int64_t kept = meter.live_bytes();
    y.backward(at::ones_like(y));
    return {.kept = kept, .peak = meter.peak_bytes()};
  }

  lm::DualAr model_;
  bool mixed_;
  at::Generator generator_;
};

// Through the three points of T, 2 T and 4 T positions.
MemoryCurve through(double tokens, const std::array<int64_t, 3>& bytes) {
  const auto y = [&](size_t i) { return static_cast<double>(bytes[i]); };
  const double slope1 = (y(1) - y(0)) / tokens;
  const double slope2 = (y(2) - y(1)) / (2 * tokens);
  const double square = std::max(0.0, (slope2 - slope1) / (3 * tokens));
  const double linear = slope2 - square * 6 * tokens;
  return {.fixed = std::max(0.0, y(2) - linear * 4 * tokens - square * 16 * tokens * tokens),
          .per_token = linear,
          .per_square = square};
}

}  // namespace

int64_t MemoryCurve::at(int64_t tokens, double squares) const {
  return static_cast<int64_t>(fixed + per_token * static_cast<double>(tokens) +
                              per_square * squares);
}

BlockMemory measure_slow_block(const lm::DualAr& model, const TrainerOptions& options,
                               bool packed) {
  constexpr int64_t kTokens = 96;  // longer than what attention computes by the plain formula
  BlockMeter meter(model, options);
  std::array<int64_t, 3> kept{}, peak{};
  for (size_t i = 0; i < kept.size(); ++i) {
    const Use use = meter.slow(kTokens << i, packed);
    kept[i] = use.kept;
    peak[i] = use.peak;
  }
  return {.kept = through(kTokens, kept), .peak = through(kTokens, peak)};
}

BlockMemory measure_fast_block(const lm::DualAr& model, const TrainerOptions& options) {
  constexpr int64_t kFrames = 16;
  BlockMeter meter(model, options);
  const Use few = meter.fast(kFrames), more = meter.fast(2 * kFrames);
  const auto line = [](int64_t at_few, int64_t at_more) {
    const double slope = static_cast<double>(at_more - at_few) / kFrames;
    return MemoryCurve{.fixed = std::max(0.0, static_cast<double>(at_more) - 2 * kFrames * slope),
                       .per_token = slope};
  };
  return {.kept = line(few.kept, more.kept), .peak = line(few.peak, more.peak)};
}

}  // namespace koi::train
