#include "koi/lm/functions.h"

namespace koi::lm {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

at::Tensor inverse_root(const at::Tensor& wide, double eps) {
  return at::rsqrt(wide.square().mean(-1, /*keepdim=*/true) + eps);
}

at::Tensor compute_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& inverse) {
  return (x.to(at::kFloat) * inverse).to(x.scalar_type()) * weight;
}

struct RmsNorm : Function<RmsNorm> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            double eps) {
    const at::Tensor inverse = inverse_root(x.to(at::kFloat), eps);
    context->save_for_backward({x, weight, inverse});
    return compute_norm(x, weight, inverse);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &g = gradients[0], &x = saved[0], &weight = saved[1], &inverse = saved[2];
    at::Tensor normed = x.to(at::kFloat) * inverse;
    variable_list result(3);
    if (context->needs_input_grad(1))
      result[1] = (g * normed.to(x.scalar_type())).reshape({-1, x.size(-1)}).sum(0);
    if (!context->needs_input_grad(0)) return result;
    at::Tensor gn = (g * weight).to(at::kFloat);
    const at::Tensor along = (gn * normed).mean(-1, /*keepdim=*/true);
    result[0] = gn.sub_(normed.mul_(along)).mul_(inverse).to(x.scalar_type());
    return result;
  }
};

struct Gate : Function<Gate> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& a, const at::Tensor& b) {
    context->save_for_backward({a, b});
    return at::silu(a).mul_(b);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &g = gradients[0], &a = saved[0], &b = saved[1];
    return {at::silu_backward(g * b, a), at::silu(a).mul_(g)};
  }
};

}  // namespace

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  if (at::GradMode::is_enabled()) return RmsNorm::apply(x, weight, eps);
  return compute_norm(x, weight, inverse_root(x.to(at::kFloat), eps));
}

at::Tensor gate(const at::Tensor& a, const at::Tensor& b) {
  return at::GradMode::is_enabled() ? Gate::apply(a, b) : at::silu(a).mul_(b);
}

}  // namespace koi::lm
