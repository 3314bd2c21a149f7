// Codes that are wrong on purpose. A model that speaks reads what it said itself, faults and all;
// one that has learnt little speech by heart is at a loss behind the first fault. In training it
// may read some wrong codes too, while it is asked for the right ones.
#pragma once

#include "koi/tensor/torch.h"

namespace koi::train {

// `tokens` int64 [B, 1+K, T], on the CPU, as Batch::tokens. The same on the generator's device, but
// that each frame with probability `share` has all codes of another frame of the batch, and each
// code with the same probability by itself. Positions without codes stay.
at::Tensor exchange_codes(const at::Tensor& tokens, double share, at::Generator& generator);

}  // namespace koi::train
