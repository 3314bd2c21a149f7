// The losses of the dual-AR model. Axes: B batch, T tokens, K codebooks, V vocabulary, C codebook
// size. Source: the reference's measured behaviour, tests/goldens/lm/forward.
#pragma once

#include "koi/lm/model.h"
#include "koi/tensor/torch.h"

namespace koi::train {

// Scalars (float32) on the model's device; `loss` carries the gradients.
struct Losses {
  at::Tensor loss;            // base_loss + semantic_loss
  at::Tensor base_loss;       // mean cross entropy over the labels of row 0 that are not -100
  at::Tensor semantic_loss;   // the same over the labels of rows 1..K
  at::Tensor top_5_accuracy;  // share of code labels, -100 and 0 left out, among the 5 best logits
};

// `labels` int64 [B, 1+K, T], on any device. A mean over no labels at all is 0.
// Differs: computed in float32 also for bfloat16 logits, where the reference's loss keeps two to
// three digits; the reference's mean over no labels is NaN.
Losses compute_losses(const lm::DualArOutput& output, const at::Tensor& labels);

}  // namespace koi::train
