#include "koi/audio/pyloudnorm_meter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <string>

#include "koi/base/error.h"

namespace koi::audio {
namespace {

constexpr double kOverlap = 0.75;
constexpr double kAbsoluteGateLufs = -70.0;
constexpr double kRelativeGateLu = -10.0;
constexpr std::array kChannelWeights{1.0, 1.0, 1.0, 1.41, 1.41};

struct Angle {
  double cosine;
  double alpha;
  Angle(double frequency_hz, double q, int sample_rate_hz) {
    const double omega = 2.0 * std::numbers::pi * (frequency_hz / sample_rate_hz);
    cosine = std::cos(omega);
    alpha = std::sin(omega) / (2.0 * q);
  }
};

// One channel through a filter in place (direct form II transposed).
void filter(std::vector<double>& samples, const Biquad& f) {
  double state1 = 0, state2 = 0;
  for (double& sample : samples) {
    const double in = sample;
    sample = f.b0 * in + state1;
    state1 = f.b1 * in - f.a1 * sample + state2;
    state2 = f.b2 * in - f.a2 * sample;
  }
}

double loudness_of(const std::vector<double>& power) {
  double sum = 0;
  for (size_t c = 0; c < power.size(); ++c) sum += kChannelWeights[c] * power[c];
  return -0.691 + 10.0 * std::log10(sum);
}

// Loudness of the mean power of the blocks that `keep` holds for; -infinity where there are none.
template <typename Keep>
double gated_loudness(const std::vector<LoudnessBlock>& blocks, const Keep& keep) {
  std::vector<double> mean(blocks.front().power.size(), 0.0);
  size_t kept = 0;
  for (const LoudnessBlock& block : blocks) {
    if (!keep(block_loudness(block))) continue;
    ++kept;
    for (size_t c = 0; c < mean.size(); ++c) mean[c] += block.power[c];
  }
  for (double& power : mean) power /= static_cast<double>(std::max<size_t>(kept, 1));
  return loudness_of(mean);
}

}  // namespace

Biquad pyloudnorm_high_shelf(int sample_rate_hz) {
  const Angle angle(1500.0, 1.0 / std::numbers::sqrt2, sample_rate_hz);
  const double a = std::pow(10.0, 4.0 / 40.0);
  const double slope = 2.0 * std::sqrt(a) * angle.alpha;
  const double up = a + 1.0, down = a - 1.0, cosine = angle.cosine;
  const double a0 = up - down * cosine + slope;
  return {.b0 = a * (up + down * cosine + slope) / a0,
          .b1 = -2.0 * a * (down + up * cosine) / a0,
          .b2 = a * (up + down * cosine - slope) / a0,
          .a1 = 2.0 * (down - up * cosine) / a0,
          .a2 = (up - down * cosine - slope) / a0};
}

Biquad pyloudnorm_high_pass(int sample_rate_hz) {
  const Angle angle(38.0, 0.5, sample_rate_hz);
  const double a0 = 1.0 + angle.alpha;
  return {.b0 = (1.0 + angle.cosine) / 2.0 / a0,
          .b1 = -(1.0 + angle.cosine) / a0,
          .b2 = (1.0 + angle.cosine) / 2.0 / a0,
          .a1 = -2.0 * angle.cosine / a0,
          .a2 = (1.0 - angle.alpha) / a0};
}

std::vector<LoudnessBlock> pyloudnorm_blocks(const Audio<double>& audio, double block_s) {
  const auto channels = static_cast<size_t>(audio.channels);
  const double rate = audio.sample_rate_hz;
  if (channels > kChannelWeights.size()) {
    throw Error(ErrorKind::unsupported, "audio",
                "has " + std::to_string(channels) + " channels, the pyloudnorm meter takes 5",
                "use the standard meter");
  }
  if (static_cast<double>(audio.frames()) < block_s * rate) {
    throw Error(ErrorKind::unsupported, "audio", "is shorter than one block of loudness");
  }
  const double step = 1.0 - kOverlap;
  const auto count =
      static_cast<int64_t>(std::nearbyint((audio.duration_s() - block_s) / (block_s * step)) + 1);
  std::vector<LoudnessBlock> blocks;
  for (int64_t j = 0; j < count; ++j) {
    const auto at = static_cast<double>(j);
    blocks.push_back({.first_frame = static_cast<int64_t>(block_s * (at * step) * rate),
                      .end_frame = static_cast<int64_t>(block_s * (at * step + 1.0) * rate),
                      .power = std::vector<double>(channels, 0.0)});
  }
  std::vector<double> channel(static_cast<size_t>(audio.frames()));
  for (size_t c = 0; c < channels; ++c) {
    for (size_t t = 0; t < channel.size(); ++t) channel[t] = audio.samples[t * channels + c];
    filter(channel, pyloudnorm_high_shelf(audio.sample_rate_hz));
    filter(channel, pyloudnorm_high_pass(audio.sample_rate_hz));
    for (LoudnessBlock& block : blocks) {
      const int64_t end = std::min(block.end_frame, audio.frames());
      double sum = 0;
      for (int64_t t = block.first_frame; t < end; ++t)
        sum += channel[static_cast<size_t>(t)] * channel[static_cast<size_t>(t)];
      block.power[c] = sum / (block_s * rate);
    }
  }
  return blocks;
}

double block_loudness(const LoudnessBlock& block) { return loudness_of(block.power); }

double pyloudnorm_loudness(const Audio<double>& audio, double block_s) {
  const std::vector<LoudnessBlock> blocks = pyloudnorm_blocks(audio, block_s);
  const double gate =
      gated_loudness(blocks, [](double lufs) { return lufs >= kAbsoluteGateLufs; }) +
      kRelativeGateLu;
  return gated_loudness(blocks,
                        [gate](double lufs) { return lufs > gate && lufs > kAbsoluteGateLufs; });
}

}  // namespace koi::audio
