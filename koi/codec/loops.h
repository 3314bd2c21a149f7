// The inner loops of the codec on a CPU, for each instruction set. They work on rows: a row holds
// the channels of one position, float32, padded with zeros to a multiple of kPanel floats. What a
// loop makes of a row depends on nothing but the row (and those that a convolution sees): not on
// how many rows there are, nor on how they are shared over calls and threads.
#pragma once

#include <cstdint>

#include "koi/kernels/instructions.h"
#include "koi/kernels/panel_product.h"

namespace koi::codec {

using kernels::kPanel;

// Rows of `width` floats, of which the first `channels` count. `step` floats from row to row.
struct NormPiece {
  float* values = nullptr;  // in place
  int64_t channels = 0, width = 0;
  const float *weight = nullptr, *bias = nullptr;  // [width], 0 beyond the channels
  float epsilon = 0;
  int64_t rows = 0;
};

// output[r][c] = bias[c] + sum over t of input[r + t][c] * weights[t][c].
struct DepthwisePiece {
  const float* input = nullptr;
  int64_t taps = 1, width = 0;
  const float *weights = nullptr, *bias = nullptr;
  float* output = nullptr;
  int64_t rows = 0;
};

// BlockConv's sums of inputs, of `groups` groups of a unit and those from `first_group` (0 or less)
// on before it: points[p][(group - first_group) * dilation + j] for block j of a group, whose
// outputs begin at row group * 4 * dilation + j. Rows from unit_rows on count as zeros.
struct BlockInputs {
  const float* rows = nullptr;  // the unit's first
  int64_t width = 0, dilation = 1;
  int64_t first_group = 0, groups = 0, unit_rows = 0;
  float* points = nullptr;
  int64_t point_step = 0;  // floats from a point to the next
};

// BlockConv's outputs of the products points[p][group * dilation + j], as far as the unit goes.
struct BlockOutputs {
  const float* points = nullptr;
  int64_t point_step = 0;
  int64_t width = 0, dilation = 1;
  int64_t groups = 0, unit_rows = 0;
  const float* bias = nullptr;
  bool adds = false;  // to what the rows hold
  float* rows = nullptr;
};

// `count` is a multiple of kPanel; x and y may be the same.
struct Loops {
  void (*convolve)(const kernels::PanelProduct& product);
  void (*convolve_depthwise)(const DepthwisePiece& piece);
  void (*block_inputs)(const BlockInputs& piece);
  void (*block_outputs)(const BlockOutputs& piece);
  void (*norm)(const NormPiece& piece);
  void (*silu)(const float* x, int64_t count, float* y);
  void (*gelu)(const float* x, int64_t count, float* y);  // exact: x times the normal distribution
  void (*tanh)(const float* x, int64_t count, float* y);
  void (*add)(const float* x, int64_t count, float* y);       // y += x
  void (*scale)(float factor, int64_t count, float* values);  // in place
};

// `instructions` must be usable (kernels::usable_instructions); sets without loops of their own get
// the portable ones.
const Loops& loops_for(kernels::Instructions instructions);

// Those of the fastest instructions that this processor knows.
const Loops& fastest_loops();

// The loops of each file.
const Loops& portable_loops();
#if defined(__x86_64__)
const Loops& avx2_loops();
const Loops& avx512_loops();
#endif

}  // namespace koi::codec
