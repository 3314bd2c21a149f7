// The inner loops of a language model that makes one token after the other, for each instruction
// set. All of them give the same as the portable ones but for the order of sums.
#pragma once

#include <cstdint>

#include "koi/kernels/inputs.h"
#include "koi/kernels/instructions.h"
#include "koi/kernels/matrix.h"

namespace koi::kernels {

struct AttentionSizes {
  int64_t heads = 0, head_dim = 0, positions = 0;
  float scale = 1;
};

struct Kernels {
  // y[i * matrix.rows + r] = row r of the matrix times vector i, for first <= r < last. `inputs` is
  // assigned for the matrix's format and columns.
  void (*multiply)(const Matrix& matrix, int64_t first, int64_t last, const Inputs& inputs,
                   float* y);
  // y [heads, head_dim] = softmax(q k^T * scale) v for q [heads, head_dim] and one kv head's
  // k, v [positions, head_dim]. `scores` is room for as many values as positions.
  void (*attend)(const float* q, const float* k, const float* v, const AttentionSizes& sizes,
                 float* scores, float* y);
  // y[i] = silu(a[i]) * b[i].
  void (*gate)(const float* a, const float* b, int64_t count, float* y);
  // Row `row` as f32, `columns` values: the same as read_row.
  void (*widen)(const Matrix& matrix, int64_t row, float* out);
  // The sum of a[i] * b[i].
  float (*dot)(const float* a, const float* b, int64_t count);
};

// Throws Error(unsupported) where usable_instructions() has them not.
const Kernels& kernels_for(Instructions instructions);

}  // namespace koi::kernels
