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

TEST(RecordingParts, ManyInOnePassAreTheSame) {
  const test::TempDir dir;
  Audio<double> audio{2, 8000, {}};
  for (int i = 0; i < 2 * 8000 * 30; ++i)
    audio.samples.push_back((i * 79 % 65536 - 32768) / 32768.0);
  for (const int format : {SF_FORMAT_WAV | SF_FORMAT_PCM_16, SF_FORMAT_FLAC | SF_FORMAT_PCM_16}) {
    write_audio(dir / "x", audio, format);
    // Pieces are 4.096 s: parts within one, over several, beside each other, up to the end.
    const std::vector<std::pair<double, double>> times{{0, 0.5},      {0.5, 4.096},    {5, 14.2},
                                                       {14.25, 14.3}, {16.384, 20.48}, {29, 30}};
    std::vector<RecordingPart> parts;
    for (const auto& [begin, end] : times)
      parts.push_back({begin, end, dir / ("part" + std::to_string(parts.size()) + ".wav")});
    size_t written = 0;
    write_parts(dir / "x", parts, [&written] { ++written; });
    EXPECT_EQ(written, parts.size());
    const RecordingParts whole(dir / "x");
    for (const RecordingPart& part : parts) {
      whole.write(part.begin_s, part.end_s, dir / "alone.wav");
      // Not EXPECT_EQ, which would print both.
      EXPECT_TRUE(base::read_file(part.to) == base::read_file(dir / "alone.wav")) << part.to;
    }
    write_parts(dir / "x", {{29.5, 31, dir / "end.wav"}});
    EXPECT_EQ(probe_audio(dir / "end.wav").frames, 4000);
    write_parts(dir / "x", {});
  }
}

TEST(RecordingParts, ImpossiblePartsAreRefused) {
  const test::TempDir dir;
  write_audio(dir / "x", {1, 8000, std::vector<double>(8000, 0.1)},
              SF_FORMAT_WAV | SF_FORMAT_PCM_16);
  const auto refused = [&](const std::vector<RecordingPart>& parts) {
    EXPECT_THROW(write_parts(dir / "x", parts), Error);
    EXPECT_FALSE(base::fs::exists(dir / "none.wav"));
  };
  refused({{0.5, 0.5, dir / "none.wav"}});
  refused({{-0.1, 0.5, dir / "none.wav"}});
  refused({{std::nan(""), 0.5, dir / "none.wav"}});
  refused({{1.0, 1.5, dir / "none.wav"}});
  refused({{0.1, 0.10001, dir / "none.wav"}});
  refused({{0.5, 0.6, dir / "some.wav"}, {0.55, 0.7, dir / "none.wav"}});
}

}  // namespace
}  // namespace koi::audio
