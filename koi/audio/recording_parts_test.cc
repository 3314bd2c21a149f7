#include "koi/audio/recording_parts.h"

#include <gtest/gtest.h>
#include <sndfile.h>

#include <cmath>

#include "koi/base/error.h"
#include "tests/support/temp_dir.h"

namespace koi::audio {
namespace {

TEST(RecordingParts, PartsAreTheSamplesBetween) {
  const test::TempDir dir;
  Audio<double> audio{2, 8000, {}};
  for (int i = 0; i < 2 * 8000; ++i) audio.samples.push_back(i / 32768.0);
  for (const int format : {SF_FORMAT_WAV | SF_FORMAT_PCM_16, SF_FORMAT_FLAC | SF_FORMAT_PCM_16}) {
    write_audio(dir / "x", audio, format);
    const RecordingParts parts(dir / "x");
    parts.write(0.25, 0.5, dir / "part.wav");
    const Audio<double> part = read_audio<double>(dir / "part.wav");
    EXPECT_EQ(part.samples,
              std::vector<double>(audio.samples.begin() + 4000, audio.samples.begin() + 8000));
    EXPECT_EQ(probe_audio(dir / "part.wav").format,
              format == (SF_FORMAT_WAV | SF_FORMAT_PCM_16) ? format : kWav24);
    parts.write(0.5, 1.05, dir / "end.wav");  // rounded where it comes from
    EXPECT_EQ(probe_audio(dir / "end.wav").frames, 4000);
    for (const auto& [begin, end] :
         {std::pair(0.5, 0.5), std::pair(0.5, 0.4), std::pair(-1.0, 1.0), std::pair(0.0, 1.2),
          std::pair(1.0, 1.05), std::pair(std::nan(""), 1.0), std::pair(0.0, std::nan(""))}) {
      EXPECT_THROW(parts.write(begin, end, dir / "none.wav"), Error) << begin << " " << end;
    }
    EXPECT_FALSE(base::fs::exists(dir / "none.wav"));
  }
}

}  // namespace
}  // namespace koi::audio
