#include "koi/lm/functions.h"

#include <algorithm>
#include <vector>

#include "koi/kernels/kernels.h"
#include "koi/tensor/parallel.h"

namespace koi::lm {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

// What a CPU computes fastest in one pass over memory, by loops of koi's own. Not where speech is
// made by tensors, in inference mode: all of that has to be operators of libtorch, which is what
// tensor::WorkGraphs records.
template <typename... Tensors>
bool by_rows(const Tensors&... tensors) {
  if (c10::InferenceMode::is_enabled()) return false;
  return ((tensors.is_cpu() && tensors.scalar_type() == at::kFloat && tensors.is_contiguous()) &&
          ...);
}

constexpr int64_t kGrain = 1 << 14;  // elements that a thread takes at least

// Calls work(row) for all rows of x on several threads.
template <typename Work>
void for_rows(const at::Tensor& x, const Work& work) {
  const int64_t width = x.size(-1);
  at::parallel_for(0, x.numel() / width, std::max<int64_t>(1, kGrain / width),
                   [&](int64_t first, int64_t last) {
                     for (int64_t row = first; row < last; ++row) work(row);
                   });
}

kernels::NormRow norm_row(const at::Tensor& x, const at::Tensor& weight, double eps, int64_t row) {
  return {.x = x.const_data_ptr<float>() + row * x.size(-1),
          .weight = weight.const_data_ptr<float>(),
          .count = x.size(-1),
          .eps = static_cast<float>(eps)};
}

struct Normed {
  at::Tensor y, inverse;  // as x; [..., 1], fp32
};

Normed norm_of(const at::Tensor& x, const at::Tensor& weight, double eps) {
  if (x.is_cuda()) {
    // Without the weight, which is a factor of what was rounded, as below.
    const auto [normed, inverse] = at::_fused_rms_norm(x, {x.size(-1)}, std::nullopt, eps);
    return {normed * weight, inverse};
  }
  if (!by_rows(x, weight)) {
    const at::Tensor wide = x.to(at::kFloat);
    const at::Tensor inverse = at::rsqrt(wide.square().mean(-1, /*keepdim=*/true) + eps);
    return {(wide * inverse).to(x.scalar_type()) * weight, inverse};
  }
  std::vector<int64_t> one_a_row = x.sizes().vec();
  one_a_row.back() = 1;
  Normed normed{at::empty_like(x), at::empty(one_a_row, x.options())};
  auto* y = normed.y.mutable_data_ptr<float>();
  auto* inverse = normed.inverse.mutable_data_ptr<float>();
  for_rows(x, [&](int64_t row) {
    inverse[row] =
        kernels::best_kernels().norm(norm_row(x, weight, eps, row), y + row * x.size(-1));
  });
  return normed;
}

at::Tensor norm_backward(const at::Tensor& g, const at::Tensor& x, const at::Tensor& weight,
                         const at::Tensor& inverse) {
  if (x.is_cuda()) {
    const at::Tensor gn = (g * weight).to(x.scalar_type());
    return std::get<0>(
        at::_fused_rms_norm_backward(gn, x, {x.size(-1)}, inverse, std::nullopt, {true, false}));
  }
  if (!by_rows(g, x, weight, inverse)) {
    at::Tensor normed = x.to(at::kFloat) * inverse;
    at::Tensor gn = (g * weight).to(at::kFloat);
    const at::Tensor along = (gn * normed).mean(-1, /*keepdim=*/true);
    return gn.sub_(normed.mul_(along)).mul_(inverse).to(x.scalar_type());
  }
  at::Tensor gx = at::empty_like(x);
  const auto* gradient = g.const_data_ptr<float>();
  const auto* inverses = inverse.const_data_ptr<float>();
  auto* out = gx.mutable_data_ptr<float>();
  for_rows(x, [&](int64_t row) {
    kernels::best_kernels().norm_backward(norm_row(x, weight, 0, row), gradient + row * x.size(-1),
                                          inverses[row], out + row * x.size(-1));
  });
  return gx;
}

struct RmsNorm : Function<RmsNorm> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            double eps) {
    const Normed normed = norm_of(x, weight, eps);
    context->save_for_backward({x, weight, normed.inverse});
    return normed.y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &g = gradients[0], &x = saved[0], &weight = saved[1], &inverse = saved[2];
    variable_list result(3);
    if (context->needs_input_grad(1)) {
      const at::Tensor normed = (x.to(at::kFloat) * inverse).to(x.scalar_type());
      result[1] = (g * normed).reshape({-1, x.size(-1)}).sum(0);
    }
    if (context->needs_input_grad(0)) result[0] = norm_backward(g, x, weight, inverse);
    return result;
  }
};

at::Tensor gate_of(const at::Tensor& a, const at::Tensor& b) {
  if (!by_rows(a, b)) return at::silu(a).mul_(b);
  at::Tensor y = at::empty_like(a);
  const auto *from_a = a.const_data_ptr<float>(), *from_b = b.const_data_ptr<float>();
  auto* to = y.mutable_data_ptr<float>();
  at::parallel_for(0, a.numel(), kGrain, [&](int64_t first, int64_t last) {
    kernels::best_kernels().gate(from_a + first, from_b + first, last - first, to + first);
  });
  return y;
}

struct Gate : Function<Gate> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& a, const at::Tensor& b) {
    context->save_for_backward({a, b});
    return gate_of(a, b);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &g = gradients[0], &a = saved[0], &b = saved[1];
    if (!by_rows(g, a, b)) return {at::silu_backward(g * b, a), at::silu(a).mul_(g)};
    at::Tensor ga = at::empty_like(a), gb = at::empty_like(b);
    const kernels::GateGradient all{.g = g.const_data_ptr<float>(),
                                    .a = a.const_data_ptr<float>(),
                                    .b = b.const_data_ptr<float>(),
                                    .ga = ga.mutable_data_ptr<float>(),
                                    .gb = gb.mutable_data_ptr<float>()};
    at::parallel_for(0, a.numel(), kGrain, [&](int64_t first, int64_t last) {
      kernels::best_kernels().gate_backward({.g = all.g + first,
                                             .a = all.a + first,
                                             .b = all.b + first,
                                             .ga = all.ga + first,
                                             .gb = all.gb + first},
                                            last - first);
    });
    return {ga, gb};
  }
};

}  // namespace

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  return at::GradMode::is_enabled() ? RmsNorm::apply(x, weight, eps) : norm_of(x, weight, eps).y;
}

at::Tensor gate(const at::Tensor& a, const at::Tensor& b) {
  return at::GradMode::is_enabled() ? Gate::apply(a, b) : gate_of(a, b);
}

}  // namespace koi::lm
