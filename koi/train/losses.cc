#include "koi/train/losses.h"

#include "koi/dataset/sample.h"

namespace koi::train {
namespace {

// Mean cross entropy of logits [N, classes] against labels [N].
at::Tensor mean_cross_entropy(const at::Tensor& logits, const at::Tensor& labels) {
  const auto counted = labels.ne(dataset::kIgnoredLabel).sum().clamp_min(1);
  return at::cross_entropy_loss(logits.to(at::kFloat), labels, {}, at::Reduction::Sum,
                                dataset::kIgnoredLabel) /
         counted;
}

at::Tensor top_5_accuracy(const at::Tensor& logits, const at::Tensor& labels) {
  const at::NoGradGuard no_grad;
  const auto counted = labels.ne(dataset::kIgnoredLabel).logical_and_(labels.ne(0));
  const auto best = std::get<1>(logits.topk(std::min<int64_t>(5, logits.size(-1)), -1));
  const auto hits = best.eq(labels.unsqueeze(-1)).any(-1).logical_and_(counted);
  return hits.sum().to(at::kFloat) / counted.sum().clamp_min(1);
}

}  // namespace

Losses compute_losses(const lm::DualArOutput& output, const at::Tensor& labels) {
  const auto on_device = labels.to(output.token_logits.device());
  const auto token_labels = on_device.select(1, 0).reshape({-1});  // [B*T]
  // [B, K, T] -> [B*T*K], as the logits lie.
  const auto code_labels = on_device.narrow(1, 1, labels.size(1) - 1).mT().reshape({-1});
  const auto token_logits = output.token_logits.flatten(0, -2);
  const auto code_logits = output.codebook_logits.flatten(0, -2);

  Losses losses;
  losses.base_loss = mean_cross_entropy(token_logits, token_labels);
  losses.semantic_loss = mean_cross_entropy(code_logits, code_labels);
  losses.loss = losses.base_loss + losses.semantic_loss;
  losses.top_5_accuracy = top_5_accuracy(code_logits, code_labels);
  return losses;
}

}  // namespace koi::train
