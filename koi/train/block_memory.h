// What a block of the model keeps and uses in a training step, measured on small inputs.
#pragma once

#include <cstdint>

#include "koi/lm/model.h"
#include "koi/train/trainer.h"

namespace koi::train {

// Bytes as a polynomial: what attention's dropout keeps grows with the square of a sample's length.
struct MemoryCurve {
  double fixed = 0, per_token = 0, per_square = 0;

  // Of samples with together `tokens` positions, the squares of whose lengths add up to `squares`.
  int64_t at(int64_t tokens, double squares) const;
};

struct BlockMemory {
  MemoryCurve kept;  // from forward to backward, without its input
  MemoryCurve peak;  // at the worst moment of its forward and backward pass, gradients of weights
                     // left out
};

// Forward and backward passes over a few hundred positions of random numbers: it takes a moment,
// and no more memory than the step will. `packed`: samples stand one behind the other in a row.
// For the fast block a token is a frame, and nothing is per_square.
BlockMemory measure_slow_block(const lm::DualAr& model, const TrainerOptions& options, bool packed);
BlockMemory measure_fast_block(const lm::DualAr& model, const TrainerOptions& options);

}  // namespace koi::train
