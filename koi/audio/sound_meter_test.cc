#include "koi/audio/sound_meter.h"

#include <gmock/gmock.h>
#include <sndfile.h>

#include <cmath>

#include "koi/audio/audio_stream.h"
#include "koi/audio/convert_rate.h"
#include "koi/audio/loudness.h"
#include "koi/base/error.h"
#include "koi/base/random.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace koi::audio {
namespace {

namespace fs = base::fs;

// White noise of `seconds`, at most `level`; each channel its own.
Audio<double> noise(double seconds, int rate_hz, int channels, double level) {
  base::PythonRandom random(7);
  Audio<double> audio{channels, rate_hz, {}};
  audio.samples.resize(static_cast<size_t>(seconds * rate_hz) * static_cast<size_t>(channels));
  for (double& sample : audio.samples) sample = level * (2 * random.random() - 1);
  return audio;
}

Audio<float> as_floats(const Audio<double>& audio) {
  return {audio.channels, audio.sample_rate_hz, {audio.samples.begin(), audio.samples.end()}};
}

SoundFigures figures_of(const Audio<double>& audio) { return measure_sound(as_floats(audio)); }

// Silence of so many frames in front and behind.
Audio<double> with_silence(Audio<double> audio, size_t head, size_t tail) {
  audio.samples.insert(audio.samples.begin(), head, 0.0);
  audio.samples.insert(audio.samples.end(), tail, 0.0);
  return audio;
}

TEST(AudioStream, HandsOutTheSamplesThatReadAudioReads) {
  const test::TempDir dir;
  write_audio(dir / "a.wav", noise(3, 44100, 2, 0.5), SF_FORMAT_WAV | SF_FORMAT_PCM_16);
  for (const char* name : {"a.m4a", "a.mka", "a.flac", "a.mp3"}) {
    const auto made =
        test::run({"ffmpeg", "-v", "error", "-i", (dir / "a.wav").string(), (dir / name).string()});
    ASSERT_EQ(made.status, 0) << made.err;
  }
  for (const char* name : {"a.wav", "a.m4a", "a.mka", "a.flac", "a.mp3"}) {
    const Audio<float> whole = read_audio<float>(dir / name);
    std::vector<float> samples;
    std::vector<size_t> sizes;
    const AudioInfo info = stream_audio<float>(
        dir / name,
        [](const AudioInfo& header) {
          EXPECT_EQ(header.channels, 2);
          EXPECT_EQ(header.sample_rate_hz, 44100);
        },
        [&](std::span<const float> piece) {
          samples.insert(samples.end(), piece.begin(), piece.end());
          sizes.push_back(piece.size());
        });
    EXPECT_EQ(samples, whole.samples) << name;
    EXPECT_EQ(info.frames, whole.frames()) << name;
    for (size_t i = 0; i + 1 < sizes.size(); ++i)
      EXPECT_EQ(sizes[i], static_cast<size_t>(2 * frames_a_piece(2))) << name;
  }
}

TEST(AudioStream, ATruncatedFileIsAnError) {
  const test::TempDir dir;
  write_audio(dir / "a.flac", noise(3, 44100, 1, 0.5), SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
  fs::resize_file(dir / "a.flac", fs::file_size(dir / "a.flac") / 2);
  EXPECT_THROW(measure_sound(dir / "a.flac"), Error);
}

TEST(SoundMeter, LoudnessAndTruePeakAreThoseOfTheMeters) {
  const Audio<double> audio = noise(2, 44100, 2, 0.3);
  const SoundFigures figures = figures_of(audio);
  // The samples were rounded to 32 bits.
  ASSERT_TRUE(figures.loudness_lufs);
  EXPECT_NEAR(*figures.loudness_lufs, integrated_loudness(audio, {}), 1e-4);
  EXPECT_NEAR(figures.true_peak, true_peak(audio), 1e-5);
  EXPECT_NEAR(figures.rms, 0.3 / std::sqrt(3.0), 1e-3);
  EXPECT_DOUBLE_EQ(figures.duration_s(), 2);
  EXPECT_FALSE(figures_of(noise(0.399, 44100, 1, 0.3)).loudness_lufs);
}

TEST(SoundMeter, SilenceAtTheEndsIsFoundUnderAnyLevelAndOffset) {
  for (const double level : {0.9, 0.001}) {
    for (const double offset : {0.0, 0.05}) {
      Audio<double> audio = with_silence(noise(1, 16000, 1, level), 8000, 4800);
      for (double& sample : audio.samples) sample += offset;
      const SoundFigures figures = figures_of(audio);
      EXPECT_EQ(figures.silent_head, 8000) << level << " " << offset;
      EXPECT_EQ(figures.silent_tail, 4800) << level << " " << offset;
      EXPECT_EQ(figures.silent_frames, 8000 + 4800) << level << " " << offset;
    }
  }
}

TEST(SoundMeter, WhatIsLessThan40DbQuieterIsNoSilence) {
  const auto head_of = [](double soft) {
    Audio<double> audio = noise(0.5, 16000, 1, 0.5 * std::pow(10, soft / 20));
    const Audio<double> loud = noise(0.5, 16000, 1, 0.5);
    audio.samples.insert(audio.samples.end(), loud.samples.begin(), loud.samples.end());
    return figures_of(audio).silent_head;
  };
  EXPECT_EQ(head_of(-36), 0);
  EXPECT_EQ(head_of(-44), 8000);
  const SoundFigures nothing = figures_of({1, 16000, std::vector<double>(1600)});
  EXPECT_EQ(nothing.silent_head + nothing.silent_tail, 0);
}

TEST(SoundMeter, PausesAreSilenceToo) {
  Audio<double> audio = with_silence(noise(0.5, 16000, 1, 0.5), 1600, 3200);
  const std::vector<double> again = audio.samples;
  audio.samples.insert(audio.samples.end(), again.begin(), again.end());
  const SoundFigures figures = figures_of(audio);
  EXPECT_EQ(figures.silent_head, 1600);
  EXPECT_EQ(figures.silent_tail, 3200);
  EXPECT_EQ(figures.silent_frames, 2 * (1600 + 3200));
}

TEST(SoundMeter, TheOffsetIsThatOfTheWorstChannel) {
  Audio<double> audio = noise(2, 8000, 2, 0.1);
  for (size_t t = 0; t < audio.samples.size(); t += 2) audio.samples[t] -= 0.02;
  const SoundFigures figures = figures_of(audio);
  EXPECT_NEAR(figures.dc_offset, -0.02, 1e-3);
  EXPECT_NEAR(figures.rms, 0.1 / std::sqrt(3.0), 1e-3);
}

TEST(SoundMeter, ClippingIsRunsOfEqualSamplesAtFullScale) {
  Audio<double> audio = noise(1, 8000, 2, 0.5);
  const auto put = [&audio](size_t frame, std::initializer_list<double> samples) {
    for (const double sample : samples) audio.samples[2 * frame++] = sample;
  };
  put(100, {1, 1});              // two are a peak
  put(200, {0.98, 0.98, 0.98});  // not full scale
  put(300, {0.995, 1, 0.995});   // not equal
  EXPECT_EQ(figures_of(audio).clipped_samples, 0);
  put(400, {1, 1, 1});
  put(500, {-1, -1, -1, -1, -1});
  EXPECT_EQ(figures_of(audio).clipped_samples, 8);
}

TEST(SoundMeter, TheHashKnowsACopyInAnotherWrapping) {
  const test::TempDir dir;
  const Audio<double> audio = noise(3, 22050, 1, 0.5);
  write_audio(dir / "a.wav", audio, SF_FORMAT_WAV | SF_FORMAT_PCM_16);
  Audio<double> read = read_audio<double>(dir / "a.wav");
  write_audio(dir / "b.mp3", read, SF_FORMAT_FLAC | SF_FORMAT_PCM_24);
  write_audio(dir / "c.aiff", read, SF_FORMAT_AIFF | SF_FORMAT_FLOAT);
  const std::string hash = measure_sound(dir / "a.wav").hash;
  EXPECT_EQ(hash.size(), 64U);
  EXPECT_EQ(measure_sound(dir / "b.mp3").hash, hash);
  EXPECT_EQ(measure_sound(dir / "c.aiff").hash, hash);
  EXPECT_EQ(figures_of(read).hash, hash);
  read.sample_rate_hz = 44100;
  EXPECT_NE(figures_of(read).hash, hash);
  read.sample_rate_hz = 22050;
  read.samples.back() += 1e-4;
  EXPECT_NE(figures_of(read).hash, hash);
}

TEST(SoundMeter, BandwidthOutlivesUpsampling) {
  const Audio<double> wide = noise(2, 44100, 2, 0.3);
  EXPECT_GT(figures_of(wide).bandwidth_hz, 21900);
  for (const int rate_hz : {8000, 16000, 32000}) {
    const Audio<double> back = convert_rate(convert_rate(wide, rate_hz), 44100);
    const double bandwidth = figures_of(back).bandwidth_hz;
    // libsoxr's pass band ends at 0.91 of the Nyquist frequency; a bin is 43 Hz wide.
    EXPECT_GT(bandwidth, 0.90 * rate_hz / 2) << rate_hz;
    EXPECT_LT(bandwidth, 1.02 * rate_hz / 2) << rate_hz;
  }
  EXPECT_EQ(figures_of({1, 8000, std::vector<double>(8000)}).bandwidth_hz, 0);
  EXPECT_EQ(figures_of(noise(0.1, 8000, 1, 0.3)).bandwidth_hz, 0);  // no whole window
  EXPECT_EQ(figures_of(noise(1, 8000, 1, 3e38)).bandwidth_hz, 0);   // no float holds its spectrum
}

TEST(SoundMeter, TheEnvelopeHasAFewPartsOfAnyLength) {
  Audio<double> audio{2, 8000, std::vector<double>(2 * 64 * 10)};
  audio.samples[2 * 64 * 3 + 1] = -0.5;
  const std::vector<uint8_t> drawn = figures_of(audio).envelope;
  EXPECT_THAT(drawn, testing::ElementsAre(0, 0, 0, 128, 0, 0, 0, 0, 0, 0));
  audio.samples.resize(2 * 64 * 100'000);
  EXPECT_THAT(figures_of(audio).envelope.size(),
              testing::AllOf(testing::Ge(128U), testing::Le(256U)));
}

}  // namespace
}  // namespace koi::audio
