#pragma once

#include <cstdint>

#include "koi/tensor/torch.h"

namespace koi::tensor {

// A generator of its own for tensors on `device`, which nothing else draws from.
at::Generator make_generator(uint64_t seed, at::Device device = at::kCPU);

}  // namespace koi::tensor
