// How a run does on sentences that never enter its training, and which of its steps was the best.
#pragma once

#include <limits>
#include <vector>

#include "koi/train/losses.h"
#include "koi/train/trainer.h"

namespace koi::train {

struct HeldOutLosses {
  LossValues losses;  // each over all labels of all sentences
  // Half of the 95 % confidence interval of losses.loss for another choice of sentences like these;
  // 0 for a single one. Source: the variance of a ratio estimator (Cochran, Sampling Techniques,
  // 1977, chapter 6), the sentences being the sample.
  double interval = 0;
};

// `sentences`: one batch each. Without dropout and gradients, in the run's precision; throws as
// DualAr::forward_hidden.
HeldOutLosses evaluate_sentences(const Trainer& trainer, const std::vector<Batch>& sentences);

// The best validation of a run so far; part of its checkpoints.
struct BestStep {
  int64_t step = 0;  // 0: none yet
  double val_loss = std::numeric_limits<double>::infinity();
  int64_t worse_since = 0;  // validations after it, none of which was better

  // Whether this one is the best.
  bool add(int64_t at_step, double loss);
  bool operator==(const BestStep&) const = default;
};

}  // namespace koi::train
