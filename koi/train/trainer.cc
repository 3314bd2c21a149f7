#include "koi/train/trainer.h"

#include <cmath>
#include <numbers>

#include "koi/base/error.h"
#include "koi/tensor/autocast.h"
#include "koi/train/code_noise.h"
#include "koi/train/gradients.h"

namespace koi::train {
namespace {

LossTensor together(const Losses& losses) {
  return at::stack({losses.loss, losses.base_loss, losses.semantic_loss, losses.top_5_accuracy,
                    losses.alignment_loss})
      .detach();
}

// Fills 0 to 1 evenly, whatever number of steps is taken: multiples of the golden ratio.
double fast_offset(int64_t step) {
  return std::fmod(static_cast<double>(step) * std::numbers::phi, 1.0);
}

}  // namespace

LossValues sum_of(const std::vector<LossTensor>& losses) {
  const at::Tensor rows = at::stack(losses).to(at::kCPU);  // [n, 5]
  LossValues sum;
  for (int64_t i = 0; i < rows.size(0); ++i) {
    const float* row = rows.const_data_ptr<float>() + 5 * i;
    sum += {row[0], row[1], row[2], row[3], row[4]};
  }
  return sum;
}

LossValues& LossValues::operator+=(const LossValues& other) {
  loss += other.loss;
  base_loss += other.base_loss;
  semantic_loss += other.semantic_loss;
  top_5_accuracy += other.top_5_accuracy;
  alignment_loss += other.alignment_loss;
  return *this;
}

LossValues LossValues::divided_by(double count) const {
  return {loss / count, base_loss / count, semantic_loss / count, top_5_accuracy / count,
          alignment_loss / count};
}

Trainer::Trainer(lm::DualAr& model, const AdamWOptions& optimizer, const Schedule& schedule,
                 const TrainerOptions& options, at::Generator generator)
    : model_(model),
      parameters_(model_parameters(model)),
      optimizer_(optimizer_order(parameters_), optimizer),
      schedule_(schedule),
      options_(options),
      generator_(std::move(generator)) {}

LossTensor Trainer::accumulate(const Batch& batch, const LabelCounts& step_labels) {
  return add(batch, step_labels, 1);
}

LossTensor Trainer::accumulate(const Batch& batch) {
  return add(batch, count_labels(batch), options_.accumulate_batches);
}

Trainer::BatchResult Trainer::add_batch(const Batch& batch, const LabelCounts& step_labels) {
  return read(accumulate(batch, step_labels));
}

Trainer::BatchResult Trainer::add_batch(const Batch& batch) { return read(accumulate(batch)); }

LossTensor Trainer::add(const Batch& batch, const LabelCounts& divisors, int64_t batches) {
  Batch heard = batch;
  if (options_.code_noise > 0)
    heard.heard = exchange_codes(batch.tokens, options_.code_noise, generator_);
  const Losses losses = forward(heard, divisors,
                                {.train = true,
                                 .recompute = options_.recompute,
                                 .generator = &generator_,
                                 .fast_frames = options_.fast_frames,
                                 .fast_offset = fast_offset(step_)});
  (losses.loss / batches).backward();
  return together(losses);
}

Trainer::BatchResult Trainer::read(const LossTensor& losses) const {
  BatchResult result{.losses = sum_of({losses})};
  check_finite(result.losses);
  const auto norm = grad_norm(optimizer_.gradients(), options_.grad_norm_type);
  if (norm.defined()) result.grad_norm = norm.item<double>();
  return result;
}

void Trainer::check_finite(const LossValues& losses) const {
  if (std::isfinite(losses.loss)) return;
  throw Error(ErrorKind::config, "step " + std::to_string(step_ + 1),
              "the loss is no finite number", "lower model.optimizer.lr and go on");
}

Losses Trainer::forward(const Batch& batch, const LabelCounts& divisors,
                        const lm::ForwardOptions& options) const {
  std::optional<at::ScalarType> products;
  if (options_.mixed_precision) products = at::kBFloat16;
  const tensor::AutocastGuard guard(model_.device().type(), products);
  const double alignment_weight = options.train ? options_.alignment_weight : 0;
  return compute_losses(model_, batch, divisors, options, alignment_weight);
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
  return sum_of({together(forward(batch, divisors, {}))});
}

LossValues Trainer::evaluate(const std::vector<Batch>& batches) const {
  LossValues sum;
  for (const Batch& batch : batches) sum += evaluate(batch, count_labels(batch));
  return sum.divided_by(static_cast<double>(std::max<size_t>(batches.size(), 1)));
}

double Trainer::rate() const { return optimizer_.options().lr * schedule_.factor(step_); }

}  // namespace koi::train
