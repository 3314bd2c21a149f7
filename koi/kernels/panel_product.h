// Products of dense float32 rows and packed columns: of a prompt's vectors, and of convolutions.
#pragma once

#include <cstdint>

namespace koi::kernels {

// Outputs of a row that are computed together.
inline constexpr int64_t kPanel = 16;

// output[r][j] (+)= bias[j] + sum over t, c of input[r][t][c] * weights[t][c][j], for j < kPanel.
// Each sum has one order, whatever the other rows.
struct PanelProduct {
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

}  // namespace koi::kernels
