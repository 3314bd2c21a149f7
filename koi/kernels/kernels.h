// The inner loops of a language model on a CPU, for each instruction set: those of one token after
// the other, and what lies between the products of training. All of them give the same as the
// portable ones but for the order of sums.
#pragma once

#include <cstdint>

#include "koi/kernels/inputs.h"
#include "koi/kernels/instructions.h"
#include "koi/kernels/matrix.h"
#include "koi/kernels/panel_product.h"

namespace koi::kernels {

struct AttentionSizes {
  int64_t heads = 0, head_dim = 0, positions = 0;
  float scale = 1;
};

// Of gate(): g is the result's gradient, ga and gb receive those of a and b.
struct GateGradient {
  const float *g, *a, *b;
  float *ga, *gb;
};

struct NormRow {
  const float *x, *weight;
  int64_t count = 0;
  float eps = 0;
};

// Of dropout: an element is kept, times `scale`, where a hash of its place, `low` and `high` is at
// least `least`.
struct Draws {
  uint32_t low = 0, high = 0, least = 0;
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
  void (*gate_backward)(const GateGradient& gate, int64_t count);
  // y[i] = x[i] * inverse * weight[i], inverse = 1 / sqrt(mean of x^2 + eps), which it gives back.
  float (*norm)(const NormRow& row, float* y);
  // gx receives the gradient of x, where g is that of y.
  void (*norm_backward)(const NormRow& row, const float* g, float inverse, float* gx);
  // y[i] = x[i] as `draws` has it for the element at `place` + i; the same bits in all sets.
  void (*drop)(const float* x, uint32_t place, int64_t count, const Draws& draws, float* y);
  // Row `row` as f32, `columns` values: the same as read_row.
  void (*widen)(const Matrix& matrix, int64_t row, float* out);
  void (*multiply_panel)(const PanelProduct& product);
  // The sum of a[i] * b[i].
  float (*dot)(const float* a, const float* b, int64_t count);
};

// Throws Error(unsupported) where usable_instructions() has them not.
const Kernels& kernels_for(Instructions instructions);
// Of usable_instructions(), the first.
const Kernels& best_kernels();

}  // namespace koi::kernels
