#include "koi/train/optimizer.h"

#include <cmath>

namespace koi::train {

AdamW::AdamW(std::vector<Parameter> parameters, const AdamWOptions& options)
    : options_(options), parameters_(std::move(parameters)), moments_(parameters_.size()) {}

void AdamW::step(double lr) {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    at::Tensor value = parameters_[i].value;
    const at::Tensor& gradient = value.grad();
    if (!gradient.defined()) continue;
    Moments& m = moments_[i];
    if (!m.exp_avg.defined()) {
      m.exp_avg = at::zeros_like(value);
      m.exp_avg_sq = at::zeros_like(value);
    }
    ++m.steps;
    const double steps = static_cast<double>(m.steps);
    const double correction1 = 1 - std::pow(options_.beta1, steps);
    const double correction2 = 1 - std::pow(options_.beta2, steps);

    if (parameters_[i].decays()) value.mul_(1 - lr * options_.weight_decay);
    m.exp_avg.lerp_(gradient, 1 - options_.beta1);
    m.exp_avg_sq.mul_(options_.beta2).addcmul_(gradient, gradient, 1 - options_.beta2);
    const auto denominator = m.exp_avg_sq.sqrt().div_(std::sqrt(correction2)).add_(options_.eps);
    value.addcdiv_(m.exp_avg, denominator, -lr / correction1);
  }
}

void AdamW::clear_gradients() {
  for (Parameter& parameter : parameters_) parameter.value.mutable_grad().reset();
}

std::vector<at::Tensor> AdamW::gradients() const {
  std::vector<at::Tensor> gradients;
  for (const Parameter& parameter : parameters_) {
    if (parameter.value.grad().defined()) gradients.push_back(parameter.value.grad());
  }
  return gradients;
}

}  // namespace koi::train
