// How much arithmetic a batch asks for, so that a step's speed can be told as a share of what the
// machine can do.
#pragma once

#include "koi/lm/model.h"
#include "koi/train/batch.h"

namespace koi::train {

// Floating-point operations of the matrix products (a multiply-add is two); what is done element by
// element is left out.
struct StepFlops {
  double forward = 0;
  double backward = 0;    // gradients of inputs and of weights
  double recomputed = 0;  // the part of forward that backward does again

  double needed() const { return forward + backward; }  // whatever the memory allows
  StepFlops& operator+=(const StepFlops& other);
};

// Of one batch, forward and backward. Only what the result depends on is counted: no padding, of
// the attention the visible pairs of positions, of the fast part the frames that have a next one,
// of the head the positions that have a label. Gradients of weights are counted where these
// require them (with LoRA the adapters'), those of inputs where something below requires them.
// `recompute`, `fast_frames`: see lm::ForwardOptions.
StepFlops count_flops(const lm::DualAr& model, const Batch& batch, bool recompute,
                      double fast_frames = 1);

}  // namespace koi::train
