#include "koi/train/optimizer.h"

#include <cmath>

namespace koi::train {

AdamW::AdamW(std::vector<Parameter> parameters, const AdamWOptions& options)
    : options_(options), parameters_(std::move(parameters)), moments_(parameters_.size()) {}

void AdamW::step(double lr) {
  const at::NoGradGuard no_grad;
  Group group;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Parameter& parameter = parameters_[i];
    if (!parameter.value.grad().defined()) continue;
    Moments& m = moments_[i];
    if (!m.exp_avg.defined()) {
      m.exp_avg = at::zeros_like(parameter.value);
      m.exp_avg_sq = at::zeros_like(parameter.value);
    }
    ++m.steps;
    if (!group.takes(parameter, m)) {
      update(group, lr);
      group = {};
    }
    group.add(parameter, m);
  }
  update(group, lr);
}

void AdamW::update(const Group& group, double lr) const {
  if (group.values.empty()) return;
  const auto steps = static_cast<double>(group.steps);
  const double correction1 = 1 - std::pow(options_.beta1, steps);
  const double correction2 = 1 - std::pow(options_.beta2, steps);

  if (group.decays) at::_foreach_mul_(group.values, 1 - lr * options_.weight_decay);
  at::_foreach_lerp_(group.exp_avgs, group.gradients, 1 - options_.beta1);
  at::_foreach_mul_(group.exp_avg_sqs, options_.beta2);
  at::_foreach_addcmul_(group.exp_avg_sqs, group.gradients, group.gradients, 1 - options_.beta2);
  const std::vector<at::Tensor> denominators = at::_foreach_sqrt(group.exp_avg_sqs);
  at::_foreach_div_(denominators, std::sqrt(correction2));
  at::_foreach_add_(denominators, options_.eps);
  at::_foreach_addcdiv_(group.values, group.exp_avgs, denominators, -lr / correction1);
}

// On a GPU as many as make its work worth a launch; on a CPU one, which stays in its cache.
bool AdamW::Group::takes(const Parameter& parameter, const Moments& m) const {
  constexpr int64_t kElements = 1 << 24;
  return values.empty() || (!parameter.value.is_cpu() && decays == parameter.decays() &&
                            steps == m.steps && elements < kElements);
}

void AdamW::Group::add(const Parameter& parameter, const Moments& m) {
  decays = parameter.decays();
  steps = m.steps;
  elements += parameter.value.numel();
  values.push_back(parameter.value);
  gradients.push_back(parameter.value.grad());
  exp_avgs.push_back(m.exp_avg);
  exp_avg_sqs.push_back(m.exp_avg_sq);
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
