// A frozen base in a quarter of the memory, under adapters that are trained.
#pragma once

#include "koi/lm/model.h"

namespace koi::lm {

// Puts int8 in place of every adaptable Linear's weight (all but fast_project_in) that requires no
// gradients, with one scale a row (koi/kernels/matrix.h); tensors on the CPU or moved there and
// back. Products are computed in the activations' dtype. An approximation: what comes of training
// is still the adapter of the base as it is in its file. Throws base::Interrupted as
// kernels::make_matrix.
void quantize_base(DualAr& model);

}  // namespace koi::lm
