#include "koi/audio/resample_folder.h"

#include <gmock/gmock.h>
#include <sndfile.h>

#include <cmath>

#include "koi/audio/convert_rate.h"
#include "koi/audio/length_folder.h"
#include "koi/base/error.h"
#include "tests/support/temp_dir.h"

namespace koi::audio {
namespace {

using base::read_file;
using base::write_file;
using testing::HasSubstr;
namespace fs = base::fs;

// Half a second of a sine of 440 Hz in the first channel, 880 Hz in the second.
Audio<double> sines(int channels, int rate_hz) {
  Audio<double> audio{channels, rate_hz, {}};
  for (int t = 0; t < rate_hz / 2; ++t) {
    for (int c = 1; c <= channels; ++c)
      audio.samples.push_back(0.3 * std::sin(2 * M_PI * 440 * c * t / rate_hz));
  }
  return audio;
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

class ResampleFolder : public testing::Test {
 protected:
  ResampleFolder() : input(dir / "raw"), output(dir / "out") {
    fs::create_directories(input / "민지");
    write("민지/a.wav", sines(2, 22050), SF_FORMAT_WAV | SF_FORMAT_PCM_24);
    write("B.FLAC", sines(1, 44100), SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
    write_file(input / "민지/a.lab", "안녕");
  }
  void write(const std::string& name, const Audio<double>& audio, int format) {
    write_audio(input / name, audio, format);
  }

  const test::TempDir dir;
  fs::path input, output;
};

TEST_F(ResampleFolder, RateAndChannelsChangeNothingElse) {
  write_file(input / "bad.wav", "no sound");
  const ResampleReport report = resample_folder(input, output, {});
  EXPECT_EQ(report.folder.done, 1U);
  EXPECT_EQ(report.folder.unchanged, 1U);
  EXPECT_EQ(report.folder.failed, 1U);
  EXPECT_EQ(report.folder.side_files, 1U);
  const AudioInfo info = probe_audio(output / "민지/a.wav");
  EXPECT_EQ(info.sample_rate_hz, 44100);
  EXPECT_EQ(info.channels, 1);
  EXPECT_EQ(info.format, SF_FORMAT_WAV | SF_FORMAT_PCM_24);
  EXPECT_EQ(read_file(output / "B.FLAC"), read_file(input / "B.FLAC"));
  EXPECT_EQ(read_file(output / "민지/a.lab"), "안녕");
  EXPECT_EQ(resample_folder(input, output, {}).folder.skipped, 2U);
}

TEST_F(ResampleFolder, ChannelsStayWhereAsked) {
  resample_folder(input, output, {.sample_rate_hz = 16000, .mono = false});
  EXPECT_EQ(probe_audio(output / "민지/a.wav").channels, 2);
}

// Opus knows no 44100 Hz.
TEST_F(ResampleFolder, AFormatThatCannotHoldTheRateBecomesWav) {
  write("c.opus", sines(1, 48000), SF_FORMAT_OGG | SF_FORMAT_OPUS);
  EXPECT_EQ(resample_folder(input, output, {}).as_wav, 1U);
  EXPECT_EQ(probe_audio(output / "c.wav").sample_rate_hz, 44100);
  EXPECT_EQ(resample_folder(input, output / "16", {.sample_rate_hz = 16000}).as_wav, 0U);
  EXPECT_EQ(probe_audio(output / "16/c.opus").sample_rate_hz, 16000);
}

TEST_F(ResampleFolder, RatesAreCheckedBeforeAnythingIsWritten) {
  EXPECT_THROW(resample_folder(input, output, {.sample_rate_hz = 10}), Error);
  EXPECT_FALSE(fs::exists(output));
}

TEST_F(ResampleFolder, LengthsAreMeasured) {
  write_file(input / "bad.wav", "no sound");
  for (const bool accurate : {false, true}) {
    const LengthReport report = measure_lengths(input, {.accurate = accurate});
    ASSERT_EQ(report.recordings.size(), 3U);
    EXPECT_NEAR(report.recordings[0].duration_s, 0.5, 1e-4);
    EXPECT_THAT(report.recordings[1].problem, HasSubstr("bad.wav"));
    const LengthSummary summary = summarize(report.recordings);
    EXPECT_EQ(summary.count, 2U);
    EXPECT_NEAR(summary.total_s, 1, 1e-4);
    EXPECT_NEAR(summary.mean_rate_hz, 33075, 1e-9);
  }
  EXPECT_EQ(summarize({}).mean_s, 0);
}

}  // namespace
}  // namespace koi::audio
