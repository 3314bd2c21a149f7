#include "koi/audio/resample_folder.h"

#include <gtest/gtest.h>
#include <sndfile.h>

#include <cmath>

#include "koi/base/error.h"
#include "tests/support/temp_dir.h"

namespace koi::audio {
namespace {

using base::read_file;
using base::write_file;
namespace fs = base::fs;

// Half a second of a tone in all channels.
Audio<double> tone(int channels, int rate_hz) {
  Audio<double> audio{channels, rate_hz, {}};
  for (int i = 0; i < channels * rate_hz / 2; ++i)
    audio.samples.push_back(0.3 * std::sin(0.1 * (i / channels)));
  return audio;
}

class ResampleFolder : public testing::Test {
 protected:
  ResampleFolder() : input(dir / "raw"), output(dir / "out") {
    fs::create_directories(input / "민지");
    write("민지/a.wav", tone(2, 22050), SF_FORMAT_WAV | SF_FORMAT_PCM_24);
    write("B.FLAC", tone(1, 44100), SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
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
  write("c.opus", tone(1, 48000), SF_FORMAT_OGG | SF_FORMAT_OPUS);
  EXPECT_EQ(resample_folder(input, output, {}).as_wav, 1U);
  EXPECT_EQ(probe_audio(output / "c.wav").sample_rate_hz, 44100);
  EXPECT_EQ(resample_folder(input, output / "16", {.sample_rate_hz = 16000}).as_wav, 0U);
  EXPECT_EQ(probe_audio(output / "16/c.opus").sample_rate_hz, 16000);
}

TEST_F(ResampleFolder, RatesAreCheckedBeforeAnythingIsWritten) {
  EXPECT_THROW(resample_folder(input, output, {.sample_rate_hz = 10}), Error);
  EXPECT_FALSE(fs::exists(output));
}

}  // namespace
}  // namespace koi::audio
