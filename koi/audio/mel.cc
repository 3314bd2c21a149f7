#include "koi/audio/mel.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "koi/base/error.h"

namespace koi::audio {
namespace {

// Slaney's mel scale: linear to 1000 Hz (15 mel), then 27 steps for a factor of 6.4.
constexpr double kHzPerMel = 200.0 / 3.0;
constexpr double kBreakHz = 1000.0;
constexpr double kBreakMel = kBreakHz / kHzPerMel;
const double kLogStep = std::log(6.4) / 27.0;

double hz_to_mel(double hz) {
  return hz < kBreakHz ? hz / kHzPerMel : kBreakMel + std::log(hz / kBreakHz) / kLogStep;
}

double mel_to_hz(double mel) {
  return mel < kBreakMel ? mel * kHzPerMel : kBreakHz * std::exp((mel - kBreakMel) * kLogStep);
}

// Triangles between neighbouring mel points, each of area 1 over its width in Hz (Slaney's norm).
at::Tensor mel_filters(const MelOptions& options) {
  const int64_t bins = options.n_fft / 2 + 1;
  const int64_t n_mels = options.n_mels;
  const double nyquist_hz = static_cast<double>(options.sample_rate_hz) / 2.0;
  std::vector<double> points_hz;
  for (int64_t i = 0; i < n_mels + 2; ++i) {
    points_hz.push_back(mel_to_hz(hz_to_mel(nyquist_hz) * static_cast<double>(i) /
                                  static_cast<double>(n_mels + 1)));
  }
  at::Tensor filters = at::zeros({bins, n_mels}, at::kFloat);
  auto cells = filters.accessor<float, 2>();
  for (int64_t bin = 0; bin < bins; ++bin) {
    const double hz = nyquist_hz * static_cast<double>(bin) / static_cast<double>(bins - 1);
    for (int64_t m = 0; m < n_mels; ++m) {
      const auto at = static_cast<size_t>(m);
      const double left = points_hz[at], top = points_hz[at + 1], right = points_hz[at + 2];
      const double height = std::min((hz - left) / (top - left), (right - hz) / (right - top));
      if (height > 0) cells[bin][m] = static_cast<float>(height * 2.0 / (right - left));
    }
  }
  return filters;
}

void check(bool sound, const std::string& what) {
  if (!sound)
    throw Error(ErrorKind::config, "spec_transform", what, "see configs/firefly_gan_vq.yaml");
}

}  // namespace

LogMel::LogMel(MelOptions options) : options_(options) {
  check(options.sample_rate_hz > 0, "sample_rate must be positive");
  check(options.n_mels > 0, "n_mels must be positive");
  check(options.hop_length > 0, "hop_length must be positive");
  check(options.win_length >= options.hop_length, "win_length must be at least hop_length");
  check(options.n_fft >= options.win_length, "n_fft must be at least win_length");
  window_ = at::hann_window(options.win_length, at::kFloat);
  filters_ = mel_filters(options);
}

int64_t LogMel::frames(int64_t samples) const { return samples / options_.hop_length; }

int64_t LogMel::min_samples() const { return (options_.n_fft - options_.hop_length + 1) / 2 + 1; }

at::Tensor LogMel::forward(const at::Tensor& wave) const {
  if (wave.size(1) < min_samples()) {
    throw Error(ErrorKind::unsupported, "audio",
                "is " + std::to_string(wave.size(1)) + " samples long, at least " +
                    std::to_string(min_samples()) + " are needed",
                "leave it out or record more");
  }
  const int64_t padding = options_.n_fft - options_.hop_length;
  const at::Tensor padded =
      at::reflection_pad1d(wave.unsqueeze(1), {padding / 2, padding - padding / 2})
          .squeeze(1);  // [B, N + n_fft - hop]
  const at::Tensor window = window_.to(wave.device());
  const at::Tensor filters = filters_.to(wave.device());
  // In pieces of frames: the spectra of an hour at once would take gigabytes.
  constexpr int64_t kPiece = 4096;
  const int64_t total = frames(wave.size(1));
  std::vector<at::Tensor> pieces;
  for (int64_t first = 0; first < total; first += kPiece) {
    const int64_t count = std::min(kPiece, total - first);
    const at::Tensor piece = padded.narrow(1, first * options_.hop_length,
                                           (count - 1) * options_.hop_length + options_.n_fft);
    const at::Tensor spectrum =
        at::stft(piece, options_.n_fft, options_.hop_length, options_.win_length, window,
                 /*center=*/false, "reflect", /*normalized=*/false, /*onesided=*/true,
                 /*return_complex=*/true);  // [B, n_fft / 2 + 1, F]
    const at::Tensor magnitude =
        at::view_as_real(spectrum).square().sum(-1).add_(1e-6).sqrt_().transpose(1, 2);
    pieces.push_back(at::matmul(magnitude, filters).clamp_min_(1e-5).log_());  // [B, F, M]
  }
  return at::cat(pieces, 1).transpose(1, 2).contiguous();  // [B, M, F]
}

}  // namespace koi::audio
