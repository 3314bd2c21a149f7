// The losses of the dual-AR model. Axes: B batch, T tokens, K codebooks, V vocabulary, C codebook
// size. Source: the reference's measured behaviour, tests/goldens/lm/forward.
#pragma once

#include "koi/lm/model.h"
#include "koi/tensor/torch.h"
#include "koi/train/batch.h"

namespace koi::train {

// How the labels of a step's batches, on all ranks, come together.
enum class LossReduction {
  tokens,     // each label counts the same: 2 ranks, or 2 batches, of b samples equal one of 2 b
  reference,  // the mean of the batches' means, however many labels each has
};

// Logits that are in memory at once: 64 MiB in float32.
inline constexpr int64_t kLogitsAtOnce = int64_t{1} << 24;

// How many labels a batch, or all batches of a step together, have. Doubles, for they are divided
// by and summed over processes.
struct LabelCounts {
  double tokens = 0;     // labels of row 0 that are not -100
  double codes = 0;      // labels of rows 1..K that are not -100
  double accuracy = 0;   // of these the ones that are not 0
  double alignment = 0;  // of Batch::alignment, that are not -100

  LabelCounts& operator+=(const LabelCounts& other);
  LabelCounts operator*(double factor) const;
};

LabelCounts count_labels(const Batch& batch);

// Scalars (float32) on the model's device; `loss` carries the gradients.
struct Losses {
  at::Tensor loss;            // base_loss + semantic_loss + alignment_weight * alignment_loss
  at::Tensor base_loss;       // sum of cross entropies over the labels of row 0, / divisors.tokens
  at::Tensor semantic_loss;   // the same over the labels of rows 1..K, / divisors.codes
  at::Tensor top_5_accuracy;  // code labels, -100 and 0 left out, among the 5 best logits,
                              // / divisors.accuracy
  at::Tensor alignment_loss;  // the same over Batch::alignment, / divisors.alignment, among tokens
                              // that are spoken (not <|semantic|> and <|im_end|>); 0 where its
                              // weight is 0
};

// Forward pass and losses. With the batch's own counts as divisors they are the reference's means;
// with the counts of all batches of a step they are this batch's share of the step's. A divisor of
// 0 counts as 1. Logits are made, and made again in backward, for some rows at a time: those of all
// rows would be the largest tensors of the step.
// Where the fast part computes a share of the frames only, they stand for all.
// `alignment_weight` above 0 (ours alone): tokens that the frames' positions are asked for too, for
// a model that knows nothing learns from them where in its text it is, long before the codes could
// teach it.
// Differs: computed in float32 also for bfloat16 logits, where the reference's loss keeps two to
// three digits; the reference's mean over no labels is NaN.
Losses compute_losses(const lm::DualAr& model, const Batch& batch, const LabelCounts& divisors,
                      const lm::ForwardOptions& options, double alignment_weight = 0);

}  // namespace koi::train
