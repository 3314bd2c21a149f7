// One optimizer step of all ranks together.
#pragma once

#include <vector>

#include "koi/train/process_group.h"
#include "koi/train/trainer.h"

namespace koi::train {

struct StepResult {
  LossValues losses;     // of the whole step, before the update
  double grad_norm = 0;  // before clipping
  double lr = 0;
  int64_t tokens = 0;  // columns of all batches, padding left out
};

// Forward and backward over this rank's batches (as many on each rank), gradients and losses over
// all ranks, one update, which is the same on all. A GPU is waited for once, behind all batches.
// Throws as Trainer::accumulate, Trainer::check_finite and ProcessGroup.
// Source of `reference`: Lightning's DistributedDataParallel, which averages gradients over ranks.
StepResult take_step(Trainer& trainer, const std::vector<Batch>& batches, LossReduction reduction,
                     ProcessGroup& group);

}  // namespace koi::train
