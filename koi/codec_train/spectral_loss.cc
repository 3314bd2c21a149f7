#include "koi/codec_train/spectral_loss.h"

#include <algorithm>
#include <cmath>

namespace koi::codec_train {
namespace {

constexpr double kLeastPower = 1e-7;

at::Tensor audible(const at::Tensor& wave, const StftSize& size) {
  return magnitudes(wave, size).clamp_min(std::sqrt(kLeastPower));
}

}  // namespace

at::Tensor magnitudes(const at::Tensor& wave, const StftSize& size) {
  const at::Tensor window = at::hann_window(size.window, wave.options());
  const at::Tensor spectrum =
      at::stft(wave, size.n_fft, size.hop, size.window, window, /*center=*/false, "reflect",
               /*normalized=*/false, /*onesided=*/true, /*return_complex=*/true);
  return spectrum.abs();
}

at::Tensor stft_loss(const at::Tensor& guess, const at::Tensor& truth,
                     const std::vector<StftSize>& sizes) {
  at::Tensor sum;
  for (const StftSize& size : sizes) {
    const at::Tensor found = audible(guess, size), right = audible(truth, size);
    const at::Tensor loss =
        (found - right).norm() / right.norm() + at::l1_loss(found.log(), right.log());
    sum = sum.defined() ? sum + loss : loss;
  }
  return sum / static_cast<int64_t>(sizes.size());
}

at::Tensor mel_loss(const at::Tensor& guess, const at::Tensor& truth, int64_t bins) {
  return at::l1_loss(guess.narrow(1, 0, bins), truth.narrow(1, 0, bins));
}

int64_t mel_bins_below(const audio::LogMel& mel, double band_hz) {
  const at::Tensor& filters = mel.filters();  // [n_fft / 2 + 1, M]
  const double hz_a_bin =
      static_cast<double>(mel.options().sample_rate_hz) / static_cast<double>(mel.options().n_fft);
  const int64_t first_above =
      std::clamp<int64_t>(static_cast<int64_t>(band_hz / hz_a_bin) + 1, 0, filters.size(0));
  const at::Tensor heard =
      filters.narrow(0, first_above, filters.size(0) - first_above).sum(0).gt(0);  // [M]
  int64_t bins = 0;
  while (bins < heard.size(0) && !heard[bins].item<bool>()) ++bins;
  return std::max<int64_t>(bins, 1);
}

}  // namespace koi::codec_train
