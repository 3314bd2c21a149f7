// The machine's limit for matrix products, which other work is measured against.
#pragma once

#include "koi/tensor/torch.h"

namespace koi::tensor {

// FLOP/s of the fastest square at::mm of `dtype` on `device`, with the present number of threads:
// sizes are doubled from 256 on until one takes long enough to be timed, which is repeated until
// `seconds` have gone by. A slow dtype may take longer, for one product of 256 is always timed.
double measure_gemm_peak(at::ScalarType dtype, at::Device device, double seconds = 0.3);

}  // namespace koi::tensor
