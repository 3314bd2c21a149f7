#include "koi/audio/loudness.h"

#include <ebur128.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "koi/audio/audio_stream.h"
#include "koi/audio/pyloudnorm_meter.h"
#include "koi/base/error.h"

namespace koi::audio {
namespace {

constexpr double kStandardBlockS = 0.4;
constexpr double kAbsoluteGateLufs = -70.0;

struct Destroy {
  void operator()(ebur128_state* state) const { ebur128_destroy(&state); }
};

using Meter128 = std::unique_ptr<ebur128_state, Destroy>;

// All of a recording, scaled, gone through libebur128's meter.
Meter128 measure(const Playable& recording, double gain, int mode) {
  Meter128 state(ebur128_init(static_cast<unsigned>(recording.channels),
                              static_cast<unsigned long>(recording.sample_rate_hz), mode));
  if (!state) {
    throw Error(ErrorKind::unsupported, "audio",
                "loudness of " + std::to_string(recording.channels) + " channels at " +
                    std::to_string(recording.sample_rate_hz) + " Hz is not measured",
                "convert the recording");
  }
  std::vector<double> scaled;
  recording.play([&](std::span<const double> samples) {
    scaled.assign(samples.begin(), samples.end());
    for (double& sample : scaled) sample *= gain;
    const size_t frames = scaled.size() / static_cast<size_t>(recording.channels);
    if (ebur128_add_frames_double(state.get(), scaled.data(), frames) != EBUR128_SUCCESS)
      throw std::bad_alloc();
  });
  return state;
}

void check_meter(const MeterOptions& options) {
  if (!(options.block_s >= 0.01 && options.block_s <= 60))
    throw Error(ErrorKind::usage, "--block-size", "must be 0.01 to 60 seconds");
  if (options.meter == Meter::standard && options.block_s != kStandardBlockS) {
    throw Error(ErrorKind::usage, "--block-size",
                "the standard's meter has blocks of 0.4 s and no others",
                "leave it out, or add --meter pyloudnorm");
  }
}

void check_level(const char* name, double level, double lowest) {
  if (!(level >= lowest && level <= 0)) {
    throw Error(ErrorKind::usage, name,
                fmt::format("must lie between {} and 0, not at {}", lowest, level));
  }
}

double linear(double decibel) { return std::pow(10.0, decibel / 20.0); }

// In pieces, so that no second copy of all is made.
Playable playable(const Audio<double>& audio) {
  return {audio.channels, audio.sample_rate_hz, [&audio](const auto& take) {
            const auto most = static_cast<size_t>(frames_a_piece(audio.channels) * audio.channels);
            for (std::span<const double> rest(audio.samples); !rest.empty();) {
              const auto piece = rest.first(std::min(most, rest.size()));
              take(piece);
              rest = rest.subspan(piece.size());
            }
          }};
}

// Of a recording that is not shorter than a block.
double loudness_of(const Playable& recording, double gain, const MeterOptions& options) {
  if (options.meter == Meter::pyloudnorm) {
    Audio<double> audio{recording.channels, recording.sample_rate_hz, {}};
    recording.play([&](std::span<const double> samples) {
      for (const double sample : samples) audio.samples.push_back(sample * gain);
    });
    return pyloudnorm_loudness(audio, options.block_s);
  }
  double lufs = 0;
  ebur128_loudness_global(measure(recording, gain, EBUR128_MODE_I).get(), &lufs);
  return lufs;
}

double true_peak_of(const Playable& recording, double gain) {
  const Meter128 state = measure(recording, gain, EBUR128_MODE_TRUE_PEAK);
  double highest = 0;
  for (unsigned c = 0; c < static_cast<unsigned>(recording.channels); ++c) {
    double peak = 0;
    ebur128_true_peak(state.get(), c, &peak);
    highest = std::max(highest, peak);
  }
  return highest;
}

}  // namespace

double integrated_loudness(const Audio<double>& audio, const MeterOptions& options) {
  check_meter(options);
  if (static_cast<double>(audio.frames()) < options.block_s * audio.sample_rate_hz) {
    throw Error(ErrorKind::unsupported, "audio", "is shorter than one block of loudness",
                "leave it out or record more");
  }
  return loudness_of(playable(audio), 1, options);
}

double true_peak(const Audio<double>& audio) { return true_peak_of(playable(audio), 1); }

void check_loudness_options(const LoudnessOptions& options) {
  check_meter(options.meter);
  check_level("--peak", options.peak_db, -100);
  check_level("--loudness", options.loudness_lufs, -70);
  if (options.true_peak_db) check_level("--true-peak", *options.true_peak_db, -100);
}

LoudnessPlan plan_loudness(const Playable& recording, const LoudnessOptions& options) {
  check_loudness_options(options);
  LoudnessPlan plan;
  LoudnessChange& change = plan.change;
  double peak = 0;
  int64_t count = 0;
  recording.play([&](std::span<const double> samples) {
    for (const double sample : samples) peak = std::max(peak, std::abs(sample));
    count += std::ssize(samples);
  });
  const auto frames = static_cast<double>(count / recording.channels);
  if (frames < options.meter.block_s * recording.sample_rate_hz) {
    change.outcome = LoudnessOutcome::too_short;
    return plan;
  }
  if (peak == 0) {
    change.outcome = LoudnessOutcome::silent;
    return plan;
  }
  plan.peak_gain = linear(options.peak_db) / peak;
  const double lufs = loudness_of(recording, plan.peak_gain, options.meter);
  change.before_lufs = lufs - 20.0 * std::log10(plan.peak_gain);
  if (!(change.before_lufs >= kAbsoluteGateLufs)) {
    change.outcome = LoudnessOutcome::silent;
    return plan;
  }
  plan.gain = linear(options.loudness_lufs - lufs);
  if (options.true_peak_db) {
    const double highest = linear(*options.true_peak_db) / true_peak_of(recording, plan.peak_gain);
    change.limited = plan.gain > highest;
    plan.gain = std::min(plan.gain, highest);
  }
  change.gain_db = 20.0 * std::log10(plan.peak_gain * plan.gain);
  return plan;
}

int64_t LoudnessPlan::apply(std::span<double> samples) const {
  // Two multiplications a sample, not one by the product: the reference's rounding.
  for (double& sample : samples) sample = sample * peak_gain * gain;
  return std::count_if(samples.begin(), samples.end(),
                       [](double sample) { return std::abs(sample) >= 1.0; });
}

LoudnessChange normalize_loudness(Audio<double>& audio, const LoudnessOptions& options) {
  LoudnessPlan plan = plan_loudness(playable(audio), options);
  if (plan.change.outcome == LoudnessOutcome::normalized)
    plan.change.full_scale_samples = plan.apply(audio.samples);
  return plan.change;
}

}  // namespace koi::audio
