// Gradient checkpointing (Chen et al. 2016): a block's inner values are not kept for backward but
// computed again there.
#pragma once

#include <functional>

#include "koi/tensor/torch.h"

namespace koi::lm {

// compute(x). In backward compute runs a second time, with the same random draws and in the same
// mixed precision (tensor::AutocastGuard); gradients equal those of a plain call, those of leaves
// inside of `compute` are added to their grad() as always. What `compute` refers to must live until
// then. `x` must require gradients where anything in `compute` does; where it does not, or
// gradients are off, this is a plain call. `generator` is the one that `compute` draws from, null
// where it draws from the device's own.
at::Tensor recompute(std::function<at::Tensor(const at::Tensor&)> compute, const at::Tensor& x,
                     at::Generator* generator);

}  // namespace koi::lm
