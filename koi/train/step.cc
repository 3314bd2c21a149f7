#include "koi/train/step.h"

#include "koi/train/gradients.h"

namespace koi::train {
namespace {

// Over the batches of all ranks.
struct StepCounts {
  LabelCounts labels;
  double tokens = 0;
};

StepCounts count(const std::vector<Batch>& batches, ProcessGroup& group) {
  LabelCounts labels;
  double tokens = 0;
  for (const Batch& batch : batches) {
    labels += count_labels(batch);
    tokens += static_cast<double>(batch.token_count());
  }
  const auto sums =
      group.sum_numbers({labels.tokens, labels.codes, labels.accuracy, labels.alignment, tokens});
  return {
      .labels = {.tokens = sums[0], .codes = sums[1], .accuracy = sums[2], .alignment = sums[3]},
      .tokens = sums[4]};
}

LossValues sum_losses(const LossValues& mine, ProcessGroup& group) {
  const auto sums = group.sum_numbers(
      {mine.loss, mine.base_loss, mine.semantic_loss, mine.top_5_accuracy, mine.alignment_loss});
  return {sums[0], sums[1], sums[2], sums[3], sums[4]};
}

}  // namespace

StepResult take_step(Trainer& trainer, const std::vector<Batch>& batches, LossReduction reduction,
                     ProcessGroup& group) {
  const StepCounts counts = count(batches, group);
  const bool by_tokens = reduction == LossReduction::tokens;
  std::vector<LossTensor> losses;
  for (const Batch& batch : batches) {
    losses.push_back(by_tokens ? trainer.accumulate(batch, counts.labels)
                               : trainer.accumulate(batch));
    group.check();
  }
  const LossValues sum = sum_of(losses);
  trainer.check_finite(sum);
  const auto gradients = trainer.optimizer().gradients();
  group.sum_tensors(gradients);
  if (!by_tokens && group.size() > 1) {
    for (at::Tensor gradient : gradients) gradient.div_(group.size());
  }
  StepResult result;
  result.losses = sum_losses(sum, group);
  if (!by_tokens)
    result.losses = result.losses.divided_by(static_cast<double>(batches.size()) * group.size());
  const auto norm = grad_norm(gradients, trainer.options().grad_norm_type);
  if (norm.defined()) result.grad_norm = norm.item<double>();
  result.tokens = static_cast<int64_t>(counts.tokens);
  result.lr = trainer.update();
  return result;
}

}  // namespace koi::train
