// The log-mel spectrogram that the Firefly codec hears.
#pragma once

#include <cstdint>

#include "koi/tensor/torch.h"

namespace koi::audio {

struct MelOptions {
  int64_t sample_rate_hz = 44100;
  int64_t n_fft = 2048;
  int64_t win_length = 2048;  // periodic Hann; a shorter one lies in the middle of n_fft
  int64_t hop_length = 512;
  int64_t n_mels = 160;  // Slaney scale and norm, from 0 Hz to half the sample rate
};

class LogMel {
 public:
  // Builds window and filters. Throws Error(config) where a size is not positive, win_length is
  // more than n_fft or hop_length more than win_length.
  explicit LogMel(MelOptions options = {});

  const MelOptions& options() const { return options_; }

  // wave float32 [B, N] in -1..1 -> float32 [B, M, F] on the same device: ln(max(mel, 1e-5)) of the
  // magnitudes sqrt(re^2 + im^2 + 1e-6), the wave padded by reflection with (n_fft - hop) / 2 at
  // both ends. Throws Error(unsupported) where N <= (n_fft - hop) / 2 (768 by default): too short
  // to be reflected.
  at::Tensor forward(const at::Tensor& wave) const;

  // F, the frames that `samples` give: floor(N / 512) for the default sizes.
  int64_t frames(int64_t samples) const;

  // The shortest wave that forward() takes: (n_fft - hop) / 2 + 1 samples.
  int64_t min_samples() const;

  // The mel filters, float32 [n_fft / 2 + 1, M] on the CPU.
  const at::Tensor& filters() const { return filters_; }

 private:
  MelOptions options_;
  at::Tensor window_;   // [win_length]
  at::Tensor filters_;  // [n_fft / 2 + 1, M]
};

}  // namespace koi::audio
