// How far a sound is from another one, by their spectra: the phase of a voice is free.
// Axes: B batch, N samples.
#pragma once

#include <cstdint>
#include <vector>

#include "koi/audio/mel.h"

namespace koi::codec_train {

struct StftSize {
  int64_t n_fft = 0, hop = 0, window = 0;  // samples, hop <= window <= n_fft
};

// Magnitudes of the whole frames of float [B, N], N >= n_fft -> [B, n_fft / 2 + 1, frames], with
// periodic Hann windows in the middle of n_fft.
at::Tensor magnitudes(const at::Tensor& wave, const StftSize& size);

// Mean over the sizes of: the Frobenius norm of the magnitudes' difference over that of `truth`'s
// magnitudes, plus the mean difference of their natural logarithms. `guess` and `truth` float
// [B, N], N >= each n_fft -> a scalar with the gradient of `guess`. Magnitudes are
// sqrt(max(re^2 + im^2, 1e-7)).
// Source: Yamamoto, Song and Kim 2020 (Parallel WaveGAN), equations 4 to 6.
at::Tensor stft_loss(const at::Tensor& guess, const at::Tensor& truth,
                     const std::vector<StftSize>& sizes);

// The mean difference of two log-mel spectrograms, float [B, M, F], over the `bins` lowest of M.
at::Tensor mel_loss(const at::Tensor& guess, const at::Tensor& truth, int64_t bins);

// How many of the mel filters, from the lowest one, hear nothing above `band_hz`; at least 1.
int64_t mel_bins_below(const audio::LogMel& mel, double band_hz);

}  // namespace koi::codec_train
