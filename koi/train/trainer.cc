#include "koi/train/trainer.h"

#include <cmath>

#include "koi/base/error.h"
#include "koi/tensor/autocast.h"
#include "koi/train/gradients.h"

namespace koi::train {
LossValues values_of(const Losses& losses) {
  return {losses.loss.item<double>(), losses.base_loss.item<double>(),
          losses.semantic_loss.item<double>(), losses.top_5_accuracy.item<double>()};
}

LossValues& LossValues::operator+=(const LossValues& other) {
  loss += other.loss;
  base_loss += other.base_loss;
  semantic_loss += other.semantic_loss;
  top_5_accuracy += other.top_5_accuracy;
  return *this;
}

LossValues LossValues::divided_by(double count) const {
  return {loss / count, base_loss / count, semantic_loss / count, top_5_accuracy / count};
}

Trainer::Trainer(lm::DualAr& model, const AdamWOptions& optimizer, const Schedule& schedule,
                 const TrainerOptions& options, at::Generator generator)
    : model_(model),
      parameters_(model_parameters(model)),
      optimizer_(optimizer_order(parameters_), optimizer),
      schedule_(schedule),
      options_(options),
      generator_(std::move(generator)) {}

Trainer::BatchResult Trainer::add_batch(const Batch& batch, const LabelCounts& step_labels) {
  return add(batch, step_labels, 1);
}

Trainer::BatchResult Trainer::add_batch(const Batch& batch) {
  return add(batch, count_labels(batch), options_.accumulate_batches);
}

Trainer::BatchResult Trainer::add(const Batch& batch, const LabelCounts& divisors,
                                  int64_t batches) {
  const Losses losses = forward(
      batch, divisors, {.train = true, .recompute = options_.recompute, .generator = &generator_});
  BatchResult result;
  result.losses = values_of(losses);
  if (!std::isfinite(result.losses.loss)) {
    throw Error(ErrorKind::config, "step " + std::to_string(step_ + 1),
                "the loss is no finite number", "lower model.optimizer.lr and go on");
  }
  (losses.loss / batches).backward();
  const auto norm = grad_norm(optimizer_.gradients(), options_.grad_norm_type);
  if (norm.defined()) result.grad_norm = norm.item<double>();
  return result;
}

Losses Trainer::forward(const Batch& batch, const LabelCounts& divisors,
                        const lm::ForwardOptions& options) const {
  std::optional<at::ScalarType> products;
  if (options_.mixed_precision) products = at::kBFloat16;
  const tensor::AutocastGuard guard(model_.device().type(), products);
  return compute_losses(model_, batch, divisors, options);
}

double Trainer::update() {
  const double used = rate();
  const auto gradients = optimizer_.gradients();
  if (options_.clip_norm > 0 && !gradients.empty()) {
    clip_gradients(gradients, grad_norm(gradients, 2), options_.clip_norm);
  }
  optimizer_.step(used);
  optimizer_.clear_gradients();
  ++step_;
  return used;
}

LossValues Trainer::evaluate(const Batch& batch, const LabelCounts& divisors) const {
  const at::NoGradGuard no_grad;
  return values_of(forward(batch, divisors, {}));
}

LossValues Trainer::evaluate(const std::vector<Batch>& batches) const {
  LossValues sum;
  for (const Batch& batch : batches) sum += evaluate(batch, count_labels(batch));
  return sum.divided_by(static_cast<double>(std::max<size_t>(batches.size(), 1)));
}

double Trainer::rate() const { return optimizer_.options().lr * schedule_.factor(step_); }

}  // namespace koi::train
