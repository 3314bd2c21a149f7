#include "koi/audio/wav_pipe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "koi/audio/audio_file.h"
#include "koi/base/files.h"
#include "tests/support/temp_dir.h"

namespace koi::audio {
namespace {

// But for the two lengths it is the file that is written where the end is known.
TEST(WavPipe, IsTheFileWithoutItsLengths) {
  const test::TempDir dir;
  const std::vector<float> samples{-1.0F, 0.5F, 2.0F, -0.00001F, 0.25F};
  write_wav_pcm16(dir / "known.wav", samples, 44100);
  std::string known = base::read_file(dir / "known.wav");
  const std::string piped = wav_pipe_header(44100) + to_pcm16_bytes(samples);
  ASSERT_EQ(piped.size(), known.size());
  for (const size_t length : {size_t{4}, size_t{40}}) {
    EXPECT_EQ(piped.substr(length, 4), "\xff\xff\xff\xff");
    std::fill_n(known.begin() + static_cast<int64_t>(length), 4, '\xff');
  }
  EXPECT_EQ(piped, known);
}

TEST(WavPipe, IsReadByOthers) {
  const test::TempDir dir;
  base::write_file(dir / "piped.wav",
                   wav_pipe_header(16000) + to_pcm16_bytes(std::vector<float>(8000, 0.5F)));
  const Audio<float> read = read_audio<float>(dir / "piped.wav");
  EXPECT_EQ(read.sample_rate_hz, 16000);
  EXPECT_EQ(read.samples, std::vector<float>(8000, 0.5F));
}

}  // namespace
}  // namespace koi::audio
