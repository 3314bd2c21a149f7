#include "koi/audio/loudness.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "koi/base/error.h"

namespace koi::audio {
namespace {

// One second of a tone with a click in the middle.
Audio<double> tone(int channels, double level, double click = 0) {
  Audio<double> audio{channels, 16000, {}};
  for (int t = 0; t < audio.sample_rate_hz; ++t) {
    const double sample = level * std::sin(0.4 * t) + (t == 8000 ? click : 0.0);
    audio.samples.insert(audio.samples.end(), static_cast<size_t>(channels), sample);
  }
  return audio;
}

TEST(Loudness, BothMetersReachTheTarget) {
  for (const Meter meter : {Meter::standard, Meter::pyloudnorm}) {
    for (const int channels : {1, 2, 5}) {
      Audio<double> audio = tone(channels, 0.02);
      const LoudnessOptions options{.meter = {.meter = meter}, .loudness_lufs = -20};
      const double before = integrated_loudness(audio, options.meter);
      const LoudnessChange change = normalize_loudness(audio, options);
      EXPECT_EQ(change.outcome, LoudnessOutcome::normalized);
      EXPECT_NEAR(change.before_lufs, before, 1e-6);
      EXPECT_NEAR(change.gain_db, -20 - before, 1e-6);
      EXPECT_NEAR(integrated_loudness(audio, options.meter), -20, 1e-6);
    }
  }
}

TEST(Loudness, PiecesChangeNoBit) {
  for (const Meter meter : {Meter::standard, Meter::pyloudnorm}) {
    const LoudnessOptions options{.meter = {.meter = meter}, .true_peak_db = -1.0};
    Audio<double> whole = tone(2, 0.02, 0.5);
    const Audio<double> source = whole;
    const LoudnessChange change = normalize_loudness(whole, options);
    for (const size_t samples : {2UL, 1234UL, 100'000UL}) {
      const Playable pieces{2, 16000, [&](const auto& take) {
                              std::span<const double> rest(source.samples);
                              while (!rest.empty()) {
                                const auto piece = rest.first(std::min(samples, rest.size()));
                                take(piece);
                                rest = rest.subspan(piece.size());
                              }
                            }};
      const LoudnessPlan plan = plan_loudness(pieces, options);
      Audio<double> made = source;
      plan.apply(made.samples);
      EXPECT_EQ(made.samples, whole.samples) << samples;
      EXPECT_EQ(plan.change.gain_db, change.gain_db);
    }
  }
}

TEST(Loudness, SilenceAndShortAudioAreNamed) {
  for (const Meter meter : {Meter::standard, Meter::pyloudnorm}) {
    const LoudnessOptions options{.meter = {.meter = meter}};
    Audio<double> silence{1, 16000, std::vector<double>(16000, 0.0)};
    EXPECT_EQ(normalize_loudness(silence, options).outcome, LoudnessOutcome::silent);
    // Some steps of 16 bits: below the absolute gate.
    Audio<double> tick{1, 16000, std::vector<double>(64000, 0.0)};
    tick.samples[3000] = 0.001;
    EXPECT_EQ(normalize_loudness(tick, options).outcome, LoudnessOutcome::silent);
    Audio<double> shorter = tone(1, 0.1);
    shorter.samples.resize(6399);
    EXPECT_EQ(normalize_loudness(shorter, options).outcome, LoudnessOutcome::too_short);
    EXPECT_THROW(integrated_loudness(shorter, options.meter), Error);
    shorter.samples.resize(6400);
    EXPECT_EQ(normalize_loudness(shorter, options).outcome, LoudnessOutcome::normalized);
  }
}

TEST(Loudness, TheTruePeakLimitLowersTheGain) {
  Audio<double> free = tone(1, 0.01, 0.9);
  const LoudnessChange loud = normalize_loudness(free, {});
  EXPECT_GT(loud.full_scale_samples, 0);
  EXPECT_FALSE(loud.limited);
  Audio<double> held = tone(1, 0.01, 0.9);
  const LoudnessChange limited = normalize_loudness(held, {.true_peak_db = -1.0});
  EXPECT_TRUE(limited.limited);
  EXPECT_EQ(limited.full_scale_samples, 0);
  EXPECT_LT(limited.gain_db, loud.gain_db);
  EXPECT_NEAR(20 * std::log10(true_peak(held)), -1.0, 1e-4);
  Audio<double> quiet = tone(1, 0.01);
  EXPECT_FALSE(normalize_loudness(quiet, {.true_peak_db = -1.0}).limited);
}

TEST(Loudness, TheTruePeakLiesBetweenTheSamples) {
  // A sine at a quarter of the rate, sampled at 45 degrees: all samples are 0.7071, the peak is 1.
  Audio<double> audio{1, 48000, {}};
  for (int t = 0; t < 48000; ++t) audio.samples.push_back(t % 4 < 2 ? M_SQRT1_2 : -M_SQRT1_2);
  // Four times oversampled, BS.1770-4 allows 0.7 dB.
  EXPECT_NEAR(20 * std::log10(true_peak(audio)), 0, 0.7);
}

TEST(Loudness, ImpossibleOptionsAreRefused) {
  const Audio<double> audio = tone(1, 0.1);
  EXPECT_THROW(integrated_loudness(audio, {.block_s = 1.0}), Error);
  EXPECT_NO_THROW(integrated_loudness(audio, {.meter = Meter::pyloudnorm, .block_s = 1.0}));
  for (const double block_s : {0.0, -1.0, 1e-9, 1e9, std::nan("")}) {
    EXPECT_THROW(integrated_loudness(audio, {.meter = Meter::pyloudnorm, .block_s = block_s}),
                 Error);
  }
  EXPECT_THROW(check_loudness_options({.peak_db = 1.0}), Error);
  EXPECT_THROW(check_loudness_options({.loudness_lufs = std::nan("")}), Error);
  EXPECT_THROW(check_loudness_options({.true_peak_db = 3.0}), Error);
  EXPECT_THROW(integrated_loudness(tone(6, 0.1), {.meter = Meter::pyloudnorm}), Error);
  EXPECT_NO_THROW(integrated_loudness(tone(6, 0.1), {}));
  EXPECT_THROW(integrated_loudness(tone(65, 0.1), {}), Error);
}

}  // namespace
}  // namespace koi::audio
