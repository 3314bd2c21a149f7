#include "koi/align/speech_map.h"

#include <gtest/gtest.h>

#include <cmath>

#include "koi/audio/audio_file.h"
#include "koi/base/random.h"
#include "tests/support/temp_dir.h"

namespace koi::align {
namespace {

// Tones from 1 to 2, 2.5 to 4 and 4.05 to 5 s in 6 s of noise (dB of full scale), and a step that
// is no sound.
SpeechMap map_of(double tone_db, double noise_db, int channels = 1, int rate_hz = 16000) {
  const test::TempDir dir;
  base::PythonRandom random(1);
  audio::Audio<double> audio{channels, rate_hz, {}};
  for (int t = 0; t < 6 * rate_hz; ++t) {
    const double s = static_cast<double>(t) / rate_hz;
    const bool tone = (s >= 1 && s < 2) || (s >= 2.5 && s < 4) || (s >= 4.05 && s < 5);
    double sample = (random.random() - 0.5) * std::pow(10, noise_db / 20) + (s > 5.5 ? 0.05 : 0);
    if (tone) sample += std::sin(2 * M_PI * 300 * s) * std::pow(10, tone_db / 20);
    audio.samples.insert(audio.samples.end(), static_cast<size_t>(channels), sample);
  }
  audio::write_audio(dir / "x.wav", audio, audio::kWav24);
  return find_speech(dir / "x.wav");
}

void expect_tones(const SpeechMap& map) {
  EXPECT_DOUBLE_EQ(map.duration_s, 6);
  ASSERT_EQ(map.speech.size(), 2U);
  EXPECT_NEAR(map.speech[0].begin_s, 1, 0.021);
  EXPECT_NEAR(map.speech[0].end_s, 2, 0.021);
  EXPECT_NEAR(map.speech[1].begin_s, 2.5, 0.021);
  EXPECT_NEAR(map.speech[1].end_s, 5, 0.021);  // 50 ms are no pause
}

TEST(SpeechMap, AtEveryLevelAndInNoise) {
  expect_tones(map_of(-3, -120));
  expect_tones(map_of(-50, -120));
  expect_tones(map_of(-3, -20));
  expect_tones(map_of(-20, -60, 2, 44100));
}

TEST(SpeechMap, NothingIsSpokenInSilence) {
  EXPECT_TRUE(map_of(-120, -90).speech.empty());
  const test::TempDir dir;
  audio::write_audio(dir / "x.wav", {1, 8000, {0.5, 0.5}}, audio::kWav24);  // less than a level
  EXPECT_TRUE(find_speech(dir / "x.wav").speech.empty());
}

}  // namespace
}  // namespace koi::align
