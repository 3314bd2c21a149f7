// How much memory a training step needs at its worst moment.
#pragma once

#include <cstdint>
#include <vector>

#include "koi/dataset/epoch_source.h"
#include "koi/lm/model.h"
#include "koi/train/trainer.h"

namespace koi::train {

// What batches are made of.
struct BatchShape {
  std::vector<dataset::RowSize> rows;  // 1 or more; the worst batch has those that need the most
  int64_t rows_per_batch = 1;
  bool packed = true;  // all samples one behind the other in a row; else each a row
};

// Bytes.
struct StepMemory {
  int64_t program = 0;  // libtorch and what it keeps for itself
  int64_t weights = 0;  // a mapped file's too
  int64_t optimizer = 0;
  int64_t step = 0;  // gradients, activations, logits: what is there at the worst moment of a step

  int64_t total() const { return program + weights + optimizer + step; }
};

struct MemoryEstimate {
  StepMemory kept, recomputed;  // without recomputation, with it
};

// What the steps of a Trainer with these options need; options.recompute is not looked at. Measures
// one block of each kind on small inputs (see block_memory.h), so it takes a moment. Validation
// needs less than a step: nothing is kept for a backward pass.
MemoryEstimate estimate_memory(const lm::DualAr& model, const BatchShape& shape,
                               const TrainerOptions& options);

}  // namespace koi::train
