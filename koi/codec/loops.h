// The inner loops of the codec on a CPU, for each instruction set. They work on rows: a row holds
// the channels of one position, float32, padded with zeros to a multiple of kPanel floats. What a
// loop makes of a row depends on nothing but the row (and those that a convolution sees): not on
// how many rows there are, nor on how they are shared over calls and threads.
#pragma once

#include <cstdint>

#include "koi/kernels/instructions.h"

namespace koi::codec {

// Outputs of a convolution that are computed together.
inline constexpr int64_t kPanel = 16;

// output[r][j] (+)= bias[j] + sum over t, c of input[r][t][c] * weights[t][c][j], for j < kPanel.
struct ConvPiece {
  const float* input = nullptr;
  int64_t row_step = 0;  // floats from an input row to the next
  int64_t tap_step = 0;  // floats from a tap of a row to its next tap
  int64_t taps = 1, channels = 0;
  const float* weights = nullptr;
  const float* bias = nullptr;  // none where null
  bool adds = false;            // to what the output holds
  float* output = nullptr;
  int64_t output_step = 0;
  int64_t rows = 0;
};

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

// `count` is a multiple of kPanel; x and y may be the same.
struct Loops {
  void (*convolve)(const ConvPiece& piece);
  void (*convolve_depthwise)(const DepthwisePiece& piece);
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

// The loops of each file.
const Loops& portable_loops();
#if defined(__x86_64__)
const Loops& avx2_loops();
const Loops& avx512_loops();
#endif

}  // namespace koi::codec
