#include "koi/audio/convert_rate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "koi/base/error.h"

namespace koi::audio {
namespace {

// Half a second of a sine of 440 Hz in the first channel, 880 Hz in the second.
Audio<double> sines(int channels, int rate_hz) {
  Audio<double> audio{channels, rate_hz, {}};
  for (int t = 0; t < rate_hz / 2; ++t) {
    for (int c = 1; c <= channels; ++c)
      audio.samples.push_back(0.3 * std::sin(2 * M_PI * 440 * c * t / rate_hz));
  }
  return audio;
}

TEST(ConvertRate, PiecesChangeNoBit) {
  for (const auto& [from, to] : {std::pair(8000, 44100), std::pair(48000, 44100),
                                 std::pair(44100, 16000), std::pair(16000, 16000)}) {
    const Audio<double> audio = sines(2, from);
    const Audio<double> whole = convert_rate(audio, to);
    for (const size_t frames : {1UL, 77UL, 4096UL, 10000UL}) {
      std::vector<double> made;
      RateConverter converter(2, from, to, [&made](std::span<const double> samples) {
        made.insert(made.end(), samples.begin(), samples.end());
      });
      for (std::span<const double> rest(audio.samples); !rest.empty();) {
        const auto samples = rest.first(std::min(2 * frames, rest.size()));
        converter.add(samples);
        rest = rest.subspan(samples.size());
      }
      converter.finish();
      EXPECT_EQ(made, whole.samples) << from << " " << frames;
    }
  }
}

TEST(ConvertRate, ASineStaysTheSameSine) {
  for (const auto& [from, to] : {std::pair(8000, 44100), std::pair(192000, 16000),
                                 std::pair(44100, 48000), std::pair(11025, 24000)}) {
    const Audio<double> made = convert_rate(sines(2, from), to);
    const Audio<double> expected = sines(2, to);
    EXPECT_EQ(made.frames(), (static_cast<int64_t>(from / 2) * to + from - 1) / from);
    for (int64_t i = expected.frames() / 2; i < expected.frames() * 3 / 2; ++i) {
      // 20 bits of the filter, and the sine's frequencies are far below the cut-off.
      EXPECT_NEAR(made.samples[static_cast<size_t>(i)], expected.samples[static_cast<size_t>(i)],
                  1e-5)
          << from << " " << to << " " << i;
    }
  }
}

TEST(ConvertRate, EqualRatesChangeNothingAndWrongOnesAreRefused) {
  const Audio<double> audio = sines(3, 16000);
  EXPECT_EQ(convert_rate(audio, 16000).samples, audio.samples);
  EXPECT_EQ(convert_rate({1, 16000, {}}, 8000).frames(), 0);
  for (const int rate_hz : {-1, 0, 999, 768'001}) EXPECT_THROW(convert_rate(audio, rate_hz), Error);
}

}  // namespace
}  // namespace koi::audio
