// The norm of gradients and their clipping.
#pragma once

#include <vector>

#include "koi/tensor/torch.h"

namespace koi::train {

// The norm of the tensors' norms, each in its own dtype (bfloat16 norms are rounded to bfloat16);
// undefined where there are none. `norm_type` may be infinity.
at::Tensor grad_norm(const std::vector<at::Tensor>& gradients, double norm_type);

// Scales the gradients in place by max_norm / (norm + 1e-6) where that is under 1. `norm` is their
// grad_norm of type 2. Source: torch.nn.utils.clip_grad_norm_.
void clip_gradients(const std::vector<at::Tensor>& gradients, const at::Tensor& norm,
                    double max_norm);

}  // namespace koi::train
