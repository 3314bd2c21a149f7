// Rotary position embeddings (RoFormer, Su et al. 2021) over interleaved pairs.
#pragma once

#include <cstdint>

#include "koi/tensor/torch.h"

namespace koi::lm {

// The turns cos + i sin of position p and pair j at the angle p / base^(2j / head_dim): complex64
// [positions, head_dim/2], on the CPU. cos and sin are rounded to bfloat16, as the reference keeps
// them even in fp32 models.
at::Tensor rope_table(int64_t positions, int64_t head_dim, double base);

// Turns the pairs (2j, 2j+1) of x [B, T, H, head_dim] by `turns` [T, head_dim/2], in fp32; the
// result has x's dtype.
at::Tensor rotate(const at::Tensor& x, const at::Tensor& turns);

}  // namespace koi::lm
