// Element by element functions of the transformers, which keep their inputs only for backward. No
// second derivatives.
#pragma once

#include "koi/tensor/torch.h"

namespace koi::lm {

// Root mean square norm over the last axis (Zhang, Sennrich 2019): in fp32, cast to x's dtype, then
// times weight.
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps);

// silu(a) * b (SwiGLU, Shazeer 2020).
at::Tensor gate(const at::Tensor& a, const at::Tensor& b);

}  // namespace koi::lm
