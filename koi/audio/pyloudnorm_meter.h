// The loudness meter of the reference's tools (pyloudnorm), rebuilt from its recorded readings and
// the formulas of R. Bristow-Johnson's Audio EQ Cookbook. It differs from BS.1770-4 in its filters
// and in counting a last partial block.
#pragma once

#include <vector>

#include "koi/audio/audio_file.h"

namespace koi::audio {

// y[t] = b0 x[t] + b1 x[t-1] + b2 x[t-2] - a1 y[t-1] - a2 y[t-2].
struct Biquad {
  double b0, b1, b2, a1, a2;
};

Biquad pyloudnorm_high_shelf(int sample_rate_hz);  // 1500 Hz, +4 dB, Q 1/sqrt(2)
Biquad pyloudnorm_high_pass(int sample_rate_hz);   // 38 Hz, Q 0.5

// A gating block: its samples, and the mean square of each channel after both filters.
struct LoudnessBlock {
  int64_t first_frame;
  int64_t end_frame;
  std::vector<double> power;  // [channels]
};

// Blocks of block_s that overlap by 75 %; a last one that is half there or more counts, as if the
// rest were silent. Throws Error(unsupported) for more than 5 channels or less than one block.
std::vector<LoudnessBlock> pyloudnorm_blocks(const Audio<double>& audio, double block_s);

double block_loudness(const LoudnessBlock& block);  // LUFS, channels weighted 1 1 1 1.41 1.41

// Mean over the blocks that are at least -70 LUFS and more than 10 LU below the mean of those.
double pyloudnorm_loudness(const Audio<double>& audio, double block_s);

}  // namespace koi::audio
