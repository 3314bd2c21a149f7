#include "koi/audio/loudness.h"

#include <ebur128.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <new>
#include <string>

#include "koi/audio/pyloudnorm_meter.h"
#include "koi/base/error.h"

namespace koi::audio {
namespace {

constexpr double kStandardBlockS = 0.4;
constexpr double kAbsoluteGateLufs = -70.0;

struct Destroy {
  void operator()(ebur128_state* state) const { ebur128_destroy(&state); }
};

// All of the audio gone through libebur128's meter.
std::unique_ptr<ebur128_state, Destroy> measure(const Audio<double>& audio, int mode) {
  std::unique_ptr<ebur128_state, Destroy> state(
      ebur128_init(static_cast<unsigned>(audio.channels),
                   static_cast<unsigned long>(audio.sample_rate_hz), mode));
  if (!state) {
    throw Error(ErrorKind::unsupported, "audio",
                "loudness of " + std::to_string(audio.channels) + " channels at " +
                    std::to_string(audio.sample_rate_hz) + " Hz is not measured",
                "convert the recording");
  }
  const auto frames = static_cast<size_t>(audio.frames());
  if (ebur128_add_frames_double(state.get(), audio.samples.data(), frames) != EBUR128_SUCCESS)
    throw std::bad_alloc();
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

bool shorter_than_block(const Audio<double>& audio, double block_s) {
  return static_cast<double>(audio.frames()) < block_s * audio.sample_rate_hz;
}

double linear(double decibel) { return std::pow(10.0, decibel / 20.0); }

double sample_peak(const Audio<double>& audio) {
  double peak = 0;
  for (const double sample : audio.samples) peak = std::max(peak, std::abs(sample));
  return peak;
}

void scale(Audio<double>& audio, double gain) {
  for (double& sample : audio.samples) sample *= gain;
}

}  // namespace

double integrated_loudness(const Audio<double>& audio, const MeterOptions& options) {
  check_meter(options);
  if (shorter_than_block(audio, options.block_s)) {
    throw Error(ErrorKind::unsupported, "audio", "is shorter than one block of loudness",
                "leave it out or record more");
  }
  if (options.meter == Meter::pyloudnorm) return pyloudnorm_loudness(audio, options.block_s);
  double lufs = 0;
  ebur128_loudness_global(measure(audio, EBUR128_MODE_I).get(), &lufs);
  return lufs;
}

double true_peak(const Audio<double>& audio) {
  const auto state = measure(audio, EBUR128_MODE_TRUE_PEAK);
  double highest = 0;
  for (unsigned c = 0; c < static_cast<unsigned>(audio.channels); ++c) {
    double peak = 0;
    ebur128_true_peak(state.get(), c, &peak);
    highest = std::max(highest, peak);
  }
  return highest;
}

void check_loudness_options(const LoudnessOptions& options) {
  check_meter(options.meter);
  check_level("--peak", options.peak_db, -100);
  check_level("--loudness", options.loudness_lufs, -70);
  if (options.true_peak_db) check_level("--true-peak", *options.true_peak_db, -100);
}

LoudnessChange normalize_loudness(Audio<double>& audio, const LoudnessOptions& options) {
  check_loudness_options(options);
  LoudnessChange change;
  const double peak = sample_peak(audio);
  if (shorter_than_block(audio, options.meter.block_s)) {
    change.outcome = LoudnessOutcome::too_short;
    return change;
  }
  if (peak == 0) {
    change.outcome = LoudnessOutcome::silent;
    return change;
  }
  // Two multiplications a sample, not one by the product: the reference's rounding.
  const double peak_gain = linear(options.peak_db) / peak;
  scale(audio, peak_gain);
  const double lufs = integrated_loudness(audio, options.meter);
  change.before_lufs = lufs - 20.0 * std::log10(peak_gain);
  if (!(change.before_lufs >= kAbsoluteGateLufs)) {
    change.outcome = LoudnessOutcome::silent;
    return change;
  }
  double gain = linear(options.loudness_lufs - lufs);
  if (options.true_peak_db) {
    const double highest = linear(*options.true_peak_db) / true_peak(audio);
    change.limited = gain > highest;
    gain = std::min(gain, highest);
  }
  scale(audio, gain);
  change.gain_db = 20.0 * std::log10(peak_gain * gain);
  change.full_scale_samples = std::count_if(audio.samples.begin(), audio.samples.end(),
                                            [](double sample) { return std::abs(sample) >= 1.0; });
  return change;
}

}  // namespace koi::audio
