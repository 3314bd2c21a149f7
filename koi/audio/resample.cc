#include "koi/audio/resample.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string>

#include "koi/audio/audio_stream.h"
#include "koi/base/error.h"

namespace koi::audio {
namespace {

constexpr int kZeroCrossings = 6;
constexpr double kRolloff = 0.99;

// The rates without their common divisor: `from` samples become `to` samples.
struct Ratio {
  int64_t from;
  int64_t to;
  Ratio(int from_hz, int to_hz) {
    const int divisor = std::gcd(from_hz, to_hz);
    from = from_hz / divisor;
    to = to_hz / divisor;
  }
  double cutoff() const { return static_cast<double>(std::min(from, to)) * kRolloff; }
};

// For each phase j of `to`: the taps that are not zero, and where they begin relative to the first
// sample of the window. All phases have the same number of taps, a multiple of kLanes.
constexpr size_t kLanes = 8;
struct Kernel {
  size_t taps;
  std::vector<int64_t> first;  // [to]
  std::vector<float> values;   // [to, taps]
};

// One tap, in float32 in torchaudio's order of operations.
float tap(const Ratio& ratio, int64_t phase, int64_t index) {
  constexpr auto kWidth = static_cast<float>(kZeroCrossings);
  constexpr auto kPi = std::numbers::pi_v<float>;
  float t = static_cast<float>(-phase) / static_cast<float>(ratio.to) +
            static_cast<float>(index) / static_cast<float>(ratio.from);
  t *= static_cast<float>(ratio.cutoff());
  t = std::clamp(t, -kWidth, kWidth);
  const float root = std::cos(t * kPi / kWidth / 2.0F);
  const float window = root * root;
  t *= kPi;
  const float sinc = t == 0.0F ? 1.0F : std::sin(t) / t;
  return sinc * (window * static_cast<float>(ratio.cutoff() / static_cast<double>(ratio.from)));
}

Kernel build_kernel(const Ratio& ratio) {
  // Phase j lies j / to of a window behind its beginning; taps reach this far to both sides.
  const double reach = kZeroCrossings * static_cast<double>(ratio.from) / ratio.cutoff();
  const auto used = static_cast<size_t>(2 * std::ceil(reach)) + 2;
  Kernel kernel{(used + kLanes - 1) / kLanes * kLanes, {}, {}};
  for (int64_t phase = 0; phase < ratio.to; ++phase) {
    const double centre = static_cast<double>(phase * ratio.from) / static_cast<double>(ratio.to);
    const auto first = static_cast<int64_t>(std::floor(centre - reach));
    kernel.first.push_back(first);
    for (size_t k = 0; k < kernel.taps; ++k)
      kernel.values.push_back(tap(ratio, phase, first + static_cast<int64_t>(k)));
  }
  return kernel;
}

float dot(const float* a, const float* b, size_t count) {
  float lanes[kLanes] = {};
  for (size_t k = 0; k < count; k += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += a[k + lane] * b[k + lane];
  }
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) +
         ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

void check_rate(int rate_hz) {
  if (rate_hz < kMinRateHz || rate_hz > kMaxRateHz) {
    throw Error(ErrorKind::unsupported, "sample rate",
                std::to_string(rate_hz) + " Hz is outside " + std::to_string(kMinRateHz) + " to " +
                    std::to_string(kMaxRateHz) + " Hz",
                "convert the recording to 44100 Hz");
  }
}

void append_mono(std::span<const float> samples, int channels, std::vector<float>& mono) {
  const auto step = static_cast<size_t>(channels);
  for (size_t i = 0; i + step <= samples.size(); i += step) {
    const float* frame = samples.data() + i;
    mono.push_back(std::accumulate(frame, frame + step, 0.0F) / static_cast<float>(channels));
  }
}

}  // namespace

std::vector<float> mono_mix(const Audio<float>& audio) {
  if (audio.channels == 1) return audio.samples;
  std::vector<float> mono;
  mono.reserve(static_cast<size_t>(audio.frames()));
  append_mono(audio.samples, audio.channels, mono);
  return mono;
}

int64_t resampled_length(int64_t samples, int from_hz, int to_hz) {
  if (from_hz == to_hz) return samples;  // no float32 in between
  const Ratio ratio(from_hz, to_hz);
  const double exact = static_cast<double>(ratio.to * samples) / static_cast<double>(ratio.from);
  return static_cast<int64_t>(std::ceil(static_cast<float>(exact)));
}

std::vector<float> resample(std::span<const float> samples, int from_hz, int to_hz) {
  check_rate(from_hz);
  check_rate(to_hz);
  if (from_hz == to_hz) return {samples.begin(), samples.end()};
  const Ratio ratio(from_hz, to_hz);
  const auto count = static_cast<int64_t>(samples.size());
  // The float32 may also round up, past the last window.
  const int64_t windows = count / ratio.from + 1;
  const int64_t length = std::min(resampled_length(count, from_hz, to_hz), windows * ratio.to);
  if (length > kMaxSamples) {
    throw Error(ErrorKind::unsupported, "audio",
                "becomes longer than " + std::to_string(kMaxSamples) + " samples",
                "cut the recording into pieces");
  }
  const Kernel kernel = build_kernel(ratio);
  const auto taps = static_cast<int64_t>(kernel.taps);
  std::vector<float> edge(kernel.taps);
  // The samples under the kernel, with silence around the first and the last.
  const auto window = [&](int64_t first) {
    if (first >= 0 && first + taps <= count) return samples.data() + first;
    for (int64_t t = 0; t < taps; ++t) {
      const bool inside = first + t >= 0 && first + t < count;
      edge[static_cast<size_t>(t)] = inside ? samples[static_cast<size_t>(first + t)] : 0;
    }
    return static_cast<const float*>(edge.data());
  };
  std::vector<float> out(static_cast<size_t>(length));
  for (int64_t i = 0; i < length; ++i) {
    const int64_t phase = i % ratio.to;
    const int64_t first = i / ratio.to * ratio.from + kernel.first[static_cast<size_t>(phase)];
    out[static_cast<size_t>(i)] =
        dot(kernel.values.data() + phase * taps, window(first), kernel.taps);
  }
  return out;
}

std::vector<float> load_mono(const base::fs::path& path, int sample_rate_hz) {
  std::vector<float> mono;
  int channels = 1;
  const AudioInfo audio = stream_audio<float>(
      path, [&](const AudioInfo& told) { channels = told.channels; },
      [&](std::span<const float> samples) { append_mono(samples, channels, mono); });
  if (audio.sample_rate_hz == sample_rate_hz) return mono;
  try {
    return resample(mono, audio.sample_rate_hz, sample_rate_hz);
  } catch (const Error& error) {
    throw Error(error.kind(), path.string(), error.what());
  }
}

}  // namespace koi::audio
