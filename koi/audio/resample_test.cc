#include "koi/audio/resample.h"

#include <gmock/gmock.h>

#include <cmath>
#include <numbers>

#include "koi/base/error.h"
#include "tests/support/temp_dir.h"

namespace koi::audio {
namespace {

std::vector<float> sine(double frequency_hz, int rate_hz, size_t count) {
  std::vector<float> samples(count);
  for (size_t t = 0; t < count; ++t) {
    samples[t] = static_cast<float>(
        std::sin(2 * std::numbers::pi * frequency_hz * static_cast<double>(t) / rate_hz));
  }
  return samples;
}

TEST(Resample, ASineStaysTheSameSine) {
  for (const int rate : {8000, 16000, 22050, 44099, 48000, 96000, 192000}) {
    const auto ours = resample(sine(440, rate, static_cast<size_t>(rate)), rate, 44100);
    const auto exact = sine(440, 44100, ours.size());
    EXPECT_NEAR(static_cast<double>(ours.size()), 44100, 1) << rate;
    // Away from the ends, where the silence around comes in. A window of 6 zero crossings passes
    // 440 Hz to within 0.4 %.
    for (size_t t = 200; t + 200 < ours.size(); ++t) ASSERT_NEAR(ours[t], exact[t], 4e-3) << rate;
  }
}

TEST(Resample, WhatTheNewRateCannotHoldIsGone) {
  // 44 dB down is what six zero crossings under a Hann window give.
  const auto ours = resample(sine(30'000, 96'000, 96'000), 96'000, 44'100);
  for (size_t t = 200; t + 200 < ours.size(); ++t) ASSERT_NEAR(ours[t], 0, 6e-3);
}

TEST(Resample, EdgesOfLength) {
  EXPECT_EQ(resample({}, 16000, 44100).size(), 0U);
  EXPECT_EQ(resample(std::vector<float>{1.0F}, 16000, 44100).size(), 3U);
  EXPECT_EQ(resample(std::vector<float>{1.0F}, 96000, 44100).size(), 1U);
  const std::vector<float> same{0.1F, -0.2F};
  EXPECT_EQ(resample(same, 44100, 44100), same);
  EXPECT_EQ(resampled_length(17'000'001, 44100, 44100), 17'000'001);
}

TEST(Resample, TheMixIsTheMean) {
  EXPECT_EQ(mono_mix({2, 16000, {0.5F, 0.25F, -1.0F, 1.0F}}), (std::vector<float>{0.375F, 0.0F}));
  EXPECT_EQ(mono_mix({1, 16000, {0.5F, 0.25F}}), (std::vector<float>{0.5F, 0.25F}));
}

TEST(Resample, RatesOutOfRangeAreRefused) {
  for (const int rate : {-1, 0, 1, 999, 768'001, 2'000'000'000})
    EXPECT_THROW(resample(std::vector<float>{1.0F}, rate, 44100), Error) << rate;
  EXPECT_THROW(resample(std::vector<float>(13'000'000), 1000, 44100), Error);
}

TEST(Resample, ErrorsNameTheFile) {
  const test::TempDir dir;
  write_wav_pcm16(dir / "slow.wav", std::vector<float>{1.0F}, 500);
  try {
    load_mono(dir / "slow.wav", 44100);
    FAIL() << "500 Hz was taken";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr((dir / "slow.wav").string()));
    EXPECT_EQ(error.kind(), ErrorKind::unsupported);
  }
}

}  // namespace
}  // namespace koi::audio
