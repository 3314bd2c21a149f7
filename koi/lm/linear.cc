// The product with a weight and its adapter.
#include "koi/lm/layers.h"
#include "koi/tensor/autocast.h"
#include "koi/tensor/dropout.h"

namespace koi::lm {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

// What is no tensor of a product.
struct Setting {
  double scaling = 1;
  double p = 0;
  uint64_t seed = 0;
  at::ScalarType dtype = at::kFloat;
};

// The tensors; without an adapter lora_A and lora_B are undefined, without int8 the scales.
struct Factors {
  at::Tensor weight, scales, lora_A, lora_B;
};

struct Product {
  at::Tensor y, low;  // [n, out]; A dropout(x), [n, r] or undefined
};

// x [n, in]. The steps of int8 weights are exact in every dtype, and scaled when they are summed.
Product multiply(const at::Tensor& x, const Factors& factors, const Setting& setting) {
  const auto cast = [&](const at::Tensor& tensor) { return tensor.to(setting.dtype); };
  Product product{.y = at::mm(x, cast(factors.weight).t()), .low = {}};
  if (factors.scales.defined()) product.y.mul_(factors.scales);
  if (!factors.lora_A.defined()) return product;
  product.low = at::mm(tensor::dropped(x, setting.p, setting.seed), cast(factors.lora_A).t());
  product.y.addmm_(product.low, cast(factors.lora_B).t(), /*beta=*/1, setting.scaling);
  return product;
}

// Functions take undefined tensors only so.
std::optional<at::Tensor> given(const at::Tensor& tensor) {
  return tensor.defined() ? std::optional(tensor) : std::nullopt;
}

struct Multiply : Function<Multiply> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const std::optional<at::Tensor>& lora_A,
                            const std::optional<at::Tensor>& lora_B,
                            const std::pair<at::Tensor, Setting>& scales_and_setting) {
    const auto& [scales, setting] = scales_and_setting;
    const at::Tensor rows = x.to(setting.dtype);
    const Factors factors{weight, scales, lora_A.value_or(at::Tensor()),
                          lora_B.value_or(at::Tensor())};
    const Product product = multiply(rows, factors, setting);
    context->save_for_backward({rows, product.low, weight, scales, factors.lora_A, factors.lora_B});
    context->saved_data["scaling"] = setting.scaling;
    context->saved_data["p"] = setting.p;
    context->saved_data["seed"] = static_cast<int64_t>(setting.seed);
    return product.y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &g = gradients[0], &x = saved[0], &low = saved[1];
    const Factors factors{saved[2], saved[3], saved[4], saved[5]};
    const auto cast = [&](const at::Tensor& tensor) { return tensor.to(g.scalar_type()); };
    const auto drop = [p = context->saved_data["p"].toDouble(),
                       seed = static_cast<uint64_t>(context->saved_data["seed"].toInt())](
                          const at::Tensor& tensor) { return tensor::dropped(tensor, p, seed); };
    variable_list result(5);
    if (context->needs_input_grad(0)) {
      const at::Tensor gy = factors.scales.defined() ? cast(g * factors.scales) : g;
      result[0] = at::mm(gy, cast(factors.weight));
    }
    if (context->needs_input_grad(1)) result[1] = at::mm(g.t(), x);
    if (!low.defined()) return result;
    const double scaling = context->saved_data["scaling"].toDouble();
    const at::Tensor low_gradient =
        at::linear(g, cast(factors.lora_B).t().contiguous()).mul_(scaling);  // [n, r]
    if (result[0].defined()) result[0].add_(drop(at::mm(low_gradient, cast(factors.lora_A))));
    if (context->needs_input_grad(2)) result[2] = at::mm(low_gradient.t(), drop(x));
    // The other way round, g^T low, takes many times as long: few columns, and g is not in order.
    if (context->needs_input_grad(3)) result[3] = at::mm(low.t(), g).mul_(scaling).t();
    return result;
  }
};

}  // namespace

at::Tensor Linear::forward(const at::Tensor& x, const Dropout& dropout) const {
  if (!lora && !scales.defined()) return at::linear(x, weight, bias);
  const at::DeviceType device = x.device().type();
  const Adapter adapter = lora.value_or(Adapter{});
  const Setting setting{.scaling = adapter.scaling,
                        .p = dropout.chance(adapter.dropout),
                        .seed = dropout.draw_seed(adapter.dropout, x.device()),
                        .dtype = tensor::autocast_dtype(device).value_or(x.scalar_type())};
  const tensor::AutocastGuard as_it_is(device, std::nullopt);
  const at::Tensor rows = x.reshape({-1, x.size(-1)});
  const at::Tensor y = at::GradMode::is_enabled()
                           ? Multiply::apply(rows, weight, given(adapter.lora_A),
                                             given(adapter.lora_B), std::pair(scales, setting))
                           : multiply(rows.to(setting.dtype),
                                      {weight, scales, adapter.lora_A, adapter.lora_B}, setting)
                                 .y;
  std::vector<int64_t> shape = x.sizes().vec();
  shape.back() = weight.size(0);
  const at::Tensor result = y.view(shape);
  return bias.defined() ? result + bias : result;
}

}  // namespace koi::lm
