#include "koi/audio/bandwidth.h"

#include <kiss_fftr.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <new>
#include <numbers>
#include <numeric>

namespace koi::audio {
namespace {

constexpr size_t kWindow = 1024;
constexpr size_t kBins = kWindow / 2 + 1;
constexpr double kLowest_hz = 50;
constexpr double kBelow = 31'623;  // -45 dB
constexpr size_t kLevels = 150;    // dB
constexpr size_t kSoftest = 43;    // dB below the loudest window

// The first bin that counts.
size_t first_bin(int rate_hz) {
  return static_cast<size_t>(std::ceil(kLowest_hz * kWindow / rate_hz));
}

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
    : rate_hz_(sample_rate_hz), transform_(std::make_unique<Transform>()), shares_(kLevels) {
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
  samples_.clear();
  std::array<double, kBins> power{};
  double energy = 0;
  for (size_t bin = first_bin(rate_hz_); bin < kBins; ++bin) {
    power[bin] = std::norm(std::complex<double>(spectrum[bin].r, spectrum[bin].i));
    energy += power[bin];
  }
  if (energy == 0 || !std::isfinite(energy)) return;  // samples near the largest float
  constexpr double kQuietest_db = -80;  // of a window's energy; a full-scale sine has 48
  const double level = std::clamp(10 * std::log10(energy) - kQuietest_db, 0.0, kLevels - 1.0);
  auto& shares = shares_[static_cast<size_t>(level)];
  shares.resize(kBins);
  for (size_t bin = 0; bin < kBins; ++bin) shares[bin] += power[bin] / energy;
}

double BandwidthMeter::bandwidth_hz() const {
  size_t loudest = kLevels;
  while (loudest > 0 && shares_[loudest - 1].empty()) --loudest;
  if (loudest == 0) return 0;
  std::array<double, kBins> sum{};
  for (size_t level = loudest - std::min(loudest, kSoftest); level < loudest; ++level) {
    for (size_t bin = 0; bin < shares_[level].size(); ++bin) sum[bin] += shares_[level][bin];
  }
  const double total = std::accumulate(sum.begin(), sum.end(), 0.0);
  double above = 0;
  size_t bin = kBins;
  while (bin > 0 && above + sum[bin - 1] < total / kBelow) above += sum[--bin];
  const double bin_hz = static_cast<double>(rate_hz_) / kWindow;
  return std::min(static_cast<double>(bin) * bin_hz, rate_hz_ / 2.0);
}

}  // namespace koi::audio
