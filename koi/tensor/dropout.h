// Dropout whose mask is known by a number: it is drawn again in the backward pass, not kept.
#pragma once

#include <cstdint>

#include "koi/tensor/torch.h"

namespace koi::tensor {

// A number that follows from the generator's state, which moves on. Waits for no device.
uint64_t draw_seed(at::Generator generator);

// x with each element zeroed with probability p, 0 <= p < 1, and the others divided by 1 - p; x
// itself for p = 0. The same elements for the same seed, count of elements and kind of device,
// counted row by row, whatever the number of threads: so it is its own gradient. No autograd. The
// draws are koi's own on the CPU, where torch's come from one thread.
at::Tensor dropped(const at::Tensor& x, double p, uint64_t seed);

}  // namespace koi::tensor
