#include "koi/audio/audio_file.h"

#include <gmock/gmock.h>
#include <sndfile.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "koi/base/error.h"
#include "tests/support/temp_dir.h"

// libsndfile forgets this when it refuses a damaged Vorbis file.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:vorbis_info_init\n"; }

namespace koi::audio {
namespace {

using test::TempDir;
using testing::HasSubstr;

constexpr int kWav16 = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
constexpr int kFormats[] = {kWav16,
                            SF_FORMAT_WAV | SF_FORMAT_FLOAT,
                            SF_FORMAT_AIFF | SF_FORMAT_PCM_24,
                            SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
                            SF_FORMAT_OGG | SF_FORMAT_VORBIS,
                            SF_FORMAT_OGG | SF_FORMAT_OPUS,
                            SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III};

// A second of two sines at 48 kHz, which all formats take.
Audio<double> two_tones() {
  Audio<double> audio{2, 48000, {}};
  for (int t = 0; t < audio.sample_rate_hz; ++t) {
    audio.samples.push_back(0.5 * std::sin(0.05 * t));
    audio.samples.push_back(0.25 * std::sin(0.11 * t));
  }
  return audio;
}

// The error that reading `path` ends in.
Error error_of(const base::fs::path& path) {
  try {
    read_audio<float>(path);
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << path << " was read";
  return {ErrorKind::internal, "", ""};
}

void expect_error(const base::fs::path& path, ErrorKind kind, const std::string& part) {
  const Error error = error_of(path);
  EXPECT_EQ(error.kind(), kind) << error.what();
  EXPECT_THAT(error.what(), HasSubstr(part));
  EXPECT_THAT(error.what(), HasSubstr(path.string()));
}

TEST(AudioFile, EveryFormatComesBackWhateverItsName) {
  const TempDir dir;
  const Audio<double> audio = two_tones();
  for (const int format : kFormats) {
    const base::fs::path path = dir / "recording.txt";
    write_audio(path, audio, format);
    const AudioInfo info = probe_audio(path);
    EXPECT_EQ(info.format & SF_FORMAT_TYPEMASK, format & SF_FORMAT_TYPEMASK);
    EXPECT_EQ(info.format & SF_FORMAT_SUBMASK, format & SF_FORMAT_SUBMASK);
    EXPECT_EQ(info.channels, 2);
    EXPECT_EQ(info.sample_rate_hz, 48000);
    const Audio<float> read = read_audio<float>(path);
    EXPECT_EQ(read.channels, 2);
    // An MP3 decoder may count the encoder's padding.
    EXPECT_NEAR(read.duration_s(), 1.0, 0.06) << info.container;
    EXPECT_NEAR(info.duration_s(), 1.0, 0.06) << info.container;
    const float peak = *std::max_element(read.samples.begin(), read.samples.end());
    EXPECT_NEAR(peak, 0.5, 0.03) << info.container;
  }
}

TEST(AudioFile, IntegersAreDividedByFullScale) {
  const TempDir dir;
  write_wav_pcm16(dir / "x.wav", std::vector<float>{-1.0F, 0.5F, 2.0F, -0.00001F}, 16000);
  EXPECT_EQ(read_audio<float>(dir / "x.wav").samples,
            (std::vector<float>{-1.0F, 0.5F, 32767.0F / 32768, -1.0F / 32768}));
  EXPECT_EQ(read_audio<double>(dir / "x.wav").samples,
            (std::vector<double>{-1.0, 0.5, 32767.0 / 32768, -1.0 / 32768}));
}

TEST(AudioFile, FloatsKeepWhatPassesFullScale) {
  const TempDir dir;
  const Audio<double> audio{1, 16000, {1.5, -2.0}};
  write_audio(dir / "float.wav", audio, SF_FORMAT_WAV | SF_FORMAT_FLOAT);
  EXPECT_EQ(read_audio<double>(dir / "float.wav").samples, audio.samples);
  EXPECT_FALSE(format_clips(SF_FORMAT_WAV | SF_FORMAT_FLOAT));
  EXPECT_TRUE(format_clips(kWav16));
}

TEST(AudioFile, EqualSoundGivesEqualBytes) {
  const TempDir dir;
  for (const char* name : {"a.wav", "b.wav"})
    write_audio(dir / name, two_tones(), SF_FORMAT_WAV | SF_FORMAT_FLOAT);
  EXPECT_EQ(base::read_file(dir / "a.wav"), base::read_file(dir / "b.wav"));
}

TEST(AudioFile, Pcm16OfWhatIsNoNumberIsSilence) {
  EXPECT_EQ(to_pcm16(std::numeric_limits<float>::quiet_NaN()), 0);
  EXPECT_EQ(to_pcm16(std::numeric_limits<float>::infinity()), 32767);
  EXPECT_EQ(to_pcm16(-std::numeric_limits<float>::infinity()), -32768);
}

TEST(AudioFile, ExtensionsCountInAnyCase) {
  for (const char* name : {"a.wav", "b.WAV", "c.Mp3", "d.opus", "e.x.flac", "f.m4a", "g.webm"})
    EXPECT_TRUE(is_audio_path(name)) << name;
  for (const char* name : {"a.lab", "wav", ".wav.txt", "b.npy", ""})
    EXPECT_FALSE(is_audio_path(name)) << name;
}

TEST(AudioFile, FormatsOfTheReference) {
  EXPECT_EQ(reference_format(SF_FORMAT_WAVEX | SF_FORMAT_PCM_24), kWav16);
  EXPECT_EQ(reference_format(SF_FORMAT_WAV | SF_FORMAT_FLOAT), kWav16);
  EXPECT_EQ(reference_format(SF_FORMAT_FLAC | SF_FORMAT_PCM_24), SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
  EXPECT_EQ(reference_format(SF_FORMAT_OGG | SF_FORMAT_VORBIS), SF_FORMAT_OGG | SF_FORMAT_VORBIS);
}

TEST(AudioFileErrors, MissingFoldersEmptyAndOther) {
  const TempDir dir;
  expect_error(dir / "nowhere.wav", ErrorKind::not_found, "no such file");
  expect_error(dir.path(), ErrorKind::io, "is a folder");
  base::write_file(dir / "empty.wav", "");
  expect_error(dir / "empty.wav", ErrorKind::corrupt, "is empty");
  base::write_file(dir / "bad.wav", "this is no sound at all, whatever the name says");
  expect_error(dir / "bad.wav", ErrorKind::corrupt, "is not readable as sound");
  write_wav_pcm16(dir / "zero.wav", {}, 16000);
  expect_error(dir / "zero.wav", ErrorKind::corrupt, "holds no sound");
}

TEST(AudioFileErrors, WhatNobodyReadsNamesTheFormatAndTheCommandThatConverts) {
  const TempDir dir;
  const std::string rest(200, '\0');
  base::write_file(dir / "it's.m4a", std::string("\0\0\0\x20", 4) + "ftypM4A " + rest);
  expect_error(dir / "it's.m4a", ErrorKind::corrupt, "MPEG-4");
  EXPECT_THAT(error_of(dir / "it's.m4a").what(),
              HasSubstr("ffmpeg -i '" + dir.path().string() + "/it'\\''s.m4a' '" +
                        dir.path().string() + "/it'\\''s.wav'"));
  base::write_file(dir / "x.wav", "\x1a\x45\xdf\xa3" + rest);
  expect_error(dir / "x.wav", ErrorKind::corrupt, "x-converted.wav");
}

TEST(AudioFileErrors, SamplesThatAreNoNumbers) {
  const TempDir dir;
  const Audio<double> audio{1, 16000, {0.0, std::nan(""), 0.0}};
  write_audio(dir / "nan.wav", audio, SF_FORMAT_WAV | SF_FORMAT_FLOAT);
  expect_error(dir / "nan.wav", ErrorKind::corrupt, "sample 1 is not a finite number");
}

TEST(AudioFileErrors, TruncatedFiles) {
  const TempDir dir;
  for (const int format :
       {kWav16, SF_FORMAT_AIFF | SF_FORMAT_PCM_16, SF_FORMAT_FLAC | SF_FORMAT_PCM_16}) {
    write_audio(dir / "x", two_tones(), format);
    const std::string bytes = base::read_file(dir / "x");
    base::write_file(dir / "x", bytes.substr(0, bytes.size() / 2));
    expect_error(dir / "x", ErrorKind::corrupt, "copy the file again");
  }
}

TEST(AudioFileErrors, AWavOfUnknownLengthIsReadToItsEnd) {
  const TempDir dir;
  write_wav_pcm16(dir / "x.wav", std::vector<float>(100, 0.5F), 16000);
  std::string bytes = base::read_file(dir / "x.wav");
  for (const size_t offset : {size_t{4}, size_t{40}}) bytes.replace(offset, 4, "\xff\xff\xff\xff");
  base::write_file(dir / "x.wav", bytes);
  EXPECT_EQ(read_audio<float>(dir / "x.wav").frames(), 100);
}

// Cut and damaged files of every format are read or refused, and nothing else.
TEST(AudioFileErrors, DamageEndsInAnError) {
  const TempDir dir;
  size_t refused = 0;
  for (const int format : kFormats) {
    write_audio(dir / "x", two_tones(), format);
    const std::string bytes = base::read_file(dir / "x");
    for (size_t i = 1; i < 40; ++i) {
      std::string damaged = bytes;
      if (i % 2 == 0) {
        damaged.resize(bytes.size() * i / 40);
      } else {
        // Header fields first, then here and there.
        damaged[i < 30 ? 2 * i : bytes.size() * i / 40] ^= static_cast<char>(0x81 + i);
      }
      base::write_file(dir / "y", damaged);
      try {
        EXPECT_LE(read_audio<float>(dir / "y").samples.size(), static_cast<size_t>(kMaxSamples));
      } catch (const Error& error) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 0U);
}

TEST(AudioFileErrors, NothingIsWrittenInAnEncodingThatCannotBe) {
  const TempDir dir;
  EXPECT_THROW(write_audio(dir / "x", two_tones(), SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_II),
               Error);
  EXPECT_TRUE(base::fs::is_empty(dir.path()));
  EXPECT_THROW(write_audio(dir / "no folder/x.wav", two_tones(), kWav16), Error);
}

}  // namespace
}  // namespace koi::audio
