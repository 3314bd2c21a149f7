#include "koi/audio/length_folder.h"

#include <gmock/gmock.h>

#include "koi/audio/audio_file.h"
#include "koi/base/error.h"
#include "tests/support/temp_dir.h"

namespace koi::audio {
namespace {

TEST(Lengths, AreMeasuredAndSummedUp) {
  const test::TempDir dir;
  write_wav_pcm16(dir / "a.wav", std::vector<float>(16000, 0.1F), 16000);
  base::write_file(dir / "bad.wav", "no sound");
  write_wav_pcm16(dir / "c.wav", std::vector<float>(16000, 0.1F), 8000);
  for (const bool accurate : {false, true}) {
    size_t seen = 0;
    const LengthReport report = measure_lengths(dir.path(), {.accurate = accurate},
                                                [&](const RecordingLength&) { ++seen; });
    ASSERT_EQ(report.recordings.size(), 3U);
    EXPECT_EQ(seen, 3U);
    EXPECT_FALSE(report.interrupted);
    EXPECT_EQ(report.recordings[0].duration_s, 1);
    EXPECT_THAT(report.recordings[1].problem, testing::HasSubstr("bad.wav"));
    const LengthSummary summary = summarize(report.recordings);
    EXPECT_EQ(summary.count, 2U);
    EXPECT_EQ(summary.total_s, 3);
    EXPECT_EQ(summary.mean_s, 1.5);
    EXPECT_EQ(summary.shortest_s, 1);
    EXPECT_EQ(summary.longest_s, 2);
    EXPECT_EQ(summary.mean_rate_hz, 12000);
  }
}

TEST(Lengths, OfNothing) {
  EXPECT_EQ(summarize({}).mean_s, 0);
  EXPECT_THROW(measure_lengths("nowhere", {}), Error);
}

}  // namespace
}  // namespace koi::audio
