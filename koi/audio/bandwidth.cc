#include "koi/audio/bandwidth.h"

#include <kiss_fftr.h>

#include <array>
#include <cmath>
#include <complex>
#include <new>
#include <numbers>

namespace koi::audio {
namespace {

constexpr size_t kWindow = 1024;
constexpr size_t kBins = kWindow / 2 + 1;
constexpr double kLowest_hz = 50;
constexpr double kShareAbove = 1e-5;

}  // namespace

struct BandwidthMeter::Transform {
  Transform() : state(kiss_fftr_alloc(kWindow, /*inverse_fft=*/0, nullptr, nullptr)) {
    if (state == nullptr) throw std::bad_alloc();
  }
  ~Transform() { kiss_fft_free(state); }
  Transform(const Transform&) = delete;
  Transform& operator=(const Transform&) = delete;

  kiss_fftr_cfg state;
  std::array<kiss_fft_cpx, kBins> spectrum{};
};

BandwidthMeter::BandwidthMeter(int sample_rate_hz)
    : rate_hz_(sample_rate_hz), transform_(std::make_unique<Transform>()), power_(kBins) {
  samples_.reserve(kWindow);
  for (size_t i = 0; i < kWindow; ++i) {
    const double turn = 2 * std::numbers::pi * static_cast<double>(i) / kWindow;
    window_.push_back(static_cast<float>(0.5 - 0.5 * std::cos(turn)));
  }
}

BandwidthMeter::~BandwidthMeter() = default;

void BandwidthMeter::add(float sample) {
  samples_.push_back(sample);
  if (samples_.size() == kWindow) add_window();
}

void BandwidthMeter::add_window() {
  for (size_t i = 0; i < kWindow; ++i) samples_[i] *= window_[i];
  auto& spectrum = transform_->spectrum;
  kiss_fftr(transform_->state, samples_.data(), spectrum.data());
  for (size_t bin = 0; bin < kBins; ++bin) {
    const std::complex<double> value(spectrum[bin].r, spectrum[bin].i);
    power_[bin] += std::norm(value);
  }
  samples_.clear();
}

double BandwidthMeter::bandwidth_hz() const {
  const double bin_hz = static_cast<double>(rate_hz_) / kWindow;
  const auto first = static_cast<size_t>(std::ceil(kLowest_hz / bin_hz));
  double total = 0;
  for (size_t bin = first; bin < kBins; ++bin) total += power_[bin];
  if (total == 0) return 0;
  double above = 0;
  size_t bin = kBins;
  while (bin > first && above + power_[bin - 1] < kShareAbove * total) above += power_[--bin];
  return std::min(static_cast<double>(bin) * bin_hz, rate_hz_ / 2.0);
}

}  // namespace koi::audio
