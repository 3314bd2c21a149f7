// Files of the formats that libsndfile does not read, made here by ffmpeg itself.
#include "koi/audio/ffmpeg.h"

#include <gmock/gmock.h>
#include <sndfile.h>

#include <bit>
#include <cmath>
#include <cstdlib>

#include "koi/base/error.h"
#include "koi/base/random.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace koi::audio {
namespace {

using testing::HasSubstr;
using Words = std::vector<std::string>;
namespace fs = base::fs;

// Two seconds of noise below 1/12 of the rate, which lossy encoders keep, each channel its own.
Audio<double> soft_noise(int channels, int rate_hz) {
  base::PythonRandom random(static_cast<uint64_t>(channels));
  Audio<double> audio{channels, rate_hz, {}};
  const auto step = static_cast<size_t>(channels);
  audio.samples.resize(step * static_cast<size_t>(2 * rate_hz));
  std::vector<double> last(step * 3, 0.0);
  for (size_t i = 0; i < audio.samples.size(); ++i) {
    double sample = random.random() - 0.5;
    for (size_t pole = 0; pole < 3; ++pole) {
      double& state = last[3 * (i % step) + pole];
      sample = state += 0.15 * (sample - state);
    }
    audio.samples[i] = 2 * sample;
  }
  return audio;
}

// Largest correlation of a part of two first channels over shifts of up to `most` frames.
double correlation(const Audio<double>& a, const Audio<double>& b, int64_t most) {
  double best = 0;
  for (int64_t shift = -most; shift <= most; ++shift) {
    double ab = 0, aa = 0, bb = 0;
    for (int64_t t = most; t < most + 10'000; ++t) {
      const double x = a.samples[static_cast<size_t>(t * a.channels)];
      const double y = b.samples[static_cast<size_t>((t + shift) * b.channels)];
      ab += x * y, aa += x * x, bb += y * y;
    }
    best = std::max(best, ab / std::sqrt(aa * bb));
  }
  return best;
}

class Ffmpeg : public testing::Test {
 protected:
  // `name` made of the audio with these arguments.
  fs::path make(const std::string& name, const Audio<double>& audio, const Words& arguments) {
    write_audio(dir / "source.wav", audio, SF_FORMAT_WAV | SF_FORMAT_PCM_24);
    Words argv{"ffmpeg", "-v", "error", "-y", "-i", (dir / "source.wav").string()};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    argv.push_back((dir / name).string());
    const test::RunResult result = test::run(argv);
    EXPECT_EQ(result.status, 0) << result.err;
    return dir / name;
  }

  // What reading ends in.
  std::string refusal(const fs::path& path, ErrorKind kind = ErrorKind::corrupt) {
    try {
      read_audio<float>(path);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      EXPECT_THAT(error.what(), HasSubstr(path.string()));
      return error.what();
    }
    ADD_FAILURE() << path << " was read";
    return "";
  }

  const test::TempDir dir;
};

TEST_F(Ffmpeg, LosslessFilesComeBackExactly) {
  struct Case {
    std::string name;
    Words arguments;
    int channels, rate_hz;
  };
  const Words alac{"-c:a", "alac"};
  const Words flac{"-c:a", "flac"};
  for (const Case& c : std::vector<Case>{{"a.m4a", alac, 1, 8000},
                                         {"b.m4a", alac, 2, 44100},
                                         {"c.m4a", alac, 6, 48000},
                                         {"d.mka", flac, 1, 192000},
                                         {"e.mka", flac, 8, 96000},
                                         {"f.mkv", {"-c:a", "pcm_s24le"}, 3, 11025},
                                         {"g.wv", {"-c:a", "wavpack"}, 2, 22050}}) {
    const Audio<double> original = soft_noise(c.channels, c.rate_hz);
    const fs::path path = make(c.name, original, c.arguments);
    const Audio<double> expected = read_audio<double>(dir / "source.wav");  // in 24 bits
    const Audio<double> read = read_audio<double>(path);
    EXPECT_EQ(read.channels, c.channels) << c.name;
    EXPECT_EQ(read.sample_rate_hz, c.rate_hz) << c.name;
    EXPECT_TRUE(read.samples == expected.samples) << c.name;
    const Audio<float> singles = read_audio<float>(path);
    EXPECT_TRUE(std::equal(singles.samples.begin(), singles.samples.end(), expected.samples.begin(),
                           expected.samples.end()))
        << c.name << ": 24 bits fit into a float";
    const AudioInfo info = probe_audio(path);
    EXPECT_EQ(info.frames, expected.frames()) << c.name;
    EXPECT_EQ(info.channels, c.channels);
    EXPECT_EQ(info.sample_rate_hz, c.rate_hz);
    EXPECT_EQ(info.format, 0);
  }
}

TEST_F(Ffmpeg, LossyFilesSoundTheSame) {
  const Audio<double> original = soft_noise(2, 48000);
  const std::vector<std::pair<std::string, Words>> cases{
      {"a.m4a", {"-b:a", "192k"}},
      {"a.aac", {"-b:a", "192k"}},
      {"a.webm", {"-c:a", "libopus", "-b:a", "192k"}},
      {"b.webm", {"-c:a", "libvorbis", "-q:a", "8"}},
      {"a.wma", {"-b:a", "192k"}},
      {"a.ac3", {"-b:a", "448k"}},
      {"a.avi", {"-c:a", "libmp3lame", "-b:a", "256k"}},
      {"film.mp4",
       {"-f", "lavfi", "-i", "testsrc=duration=3:size=64x48", "-c:v", "mpeg4", "-b:a", "192k"}}};
  for (const auto& [name, arguments] : cases) {
    const fs::path path = make(name, original, arguments);
    const Audio<double> read = read_audio<double>(path);
    EXPECT_EQ(read.channels, 2) << name;
    EXPECT_EQ(read.sample_rate_hz, 48000) << name;
    EXPECT_EQ(probe_audio(path).frames, read.frames()) << name;
    // Encoders' padding and delay: at most two blocks of 2048.
    EXPECT_NEAR(read.duration_s(), 2, 0.086) << name;
    // What these rates lose of soft noise is a thousandth of its power.
    EXPECT_GT(correlation(original, read, 2100), 0.99) << name;
    if (name.ends_with("m4a") || name.ends_with("mp4")) {  // these tell the exact length
      EXPECT_EQ(read.frames(), original.frames()) << name;
    }
  }
}

TEST_F(Ffmpeg, TheContentDecidesNotTheName) {
  const Audio<double> original = soft_noise(1, 16000);
  const fs::path made = make("x.m4a", original, {"-c:a", "alac"});
  for (const char* name : {"x.wav", "x.mp3", "x.txt", "-i 한 'x'%d.flac"}) {
    fs::rename(made, dir / name);
    EXPECT_EQ(read_audio<float>(dir / name).frames(), original.frames()) << name;
    fs::rename(dir / name, made);
  }
  make("y.mp3", original, {});
  fs::rename(dir / "y.mp3", dir / "y.m4a");
  EXPECT_THAT(probe_audio(dir / "y.m4a").container, HasSubstr("MPEG-1/2"));
}

TEST_F(Ffmpeg, PlaylistsAreNotFollowed) {
  make("sound.wav", soft_noise(1, 16000), {});
  make("sound.ts", soft_noise(1, 16000), {"-c:a", "mp2"});
  const std::string at = dir.path().string();
  base::write_file(dir / "hls.m4a", "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:" + at +
                                        "/sound.ts\n#EXT-X-ENDLIST\n");
  base::write_file(dir / "web.m4a",
                   "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1:1/x.ts\n"
                   "#EXT-X-ENDLIST\n");
  base::write_file(dir / "concat.m4a", "ffconcat version 1.0\nfile sound.wav\n");
  base::write_file(dir / "sdp.m4a",
                   "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
                   "m=audio 9 RTP/AVP 0\n");
  for (const char* name : {"hls.m4a", "web.m4a", "concat.m4a", "sdp.m4a"})
    EXPECT_THAT(refusal(dir / name), HasSubstr("is a playlist or another kind of file")) << name;
}

TEST_F(Ffmpeg, TruncatedFilesAreNamed) {
  const Audio<double> original = soft_noise(2, 44100);
  for (const auto& [name, arguments] :
       std::vector<std::pair<std::string, Words>>{{"end.m4a", {}},  // its index is at the end
                                                  {"front.m4a", {"-movflags", "faststart"}},
                                                  {"x.mka", {"-c:a", "flac"}},
                                                  {"x.webm", {"-c:a", "libopus"}},
                                                  {"x.wma", {}}}) {
    const fs::path path = make(name, original, arguments);
    const std::string bytes = base::read_file(path);
    for (const size_t tenths : {2, 8}) {
      base::write_file(path, bytes.substr(0, bytes.size() * tenths / 10));
      EXPECT_THAT(refusal(path), HasSubstr("copy the file again")) << name << tenths;
    }
  }
}

TEST_F(Ffmpeg, AClaimOfHoursCostsNothing) {
  const fs::path path = make("x.mka", soft_noise(1, 16000), {"-c:a", "flac"});
  // Matroska's Duration (0x4489, a float of 8 bytes, here in milliseconds) becomes 10^12 s.
  std::string bytes = base::read_file(path);
  const size_t at = bytes.find("\x44\x89\x88");
  ASSERT_NE(at, std::string::npos);
  const uint64_t claim = __builtin_bswap64(std::bit_cast<uint64_t>(1e15));
  bytes.replace(at + 3, 8, reinterpret_cast<const char*>(&claim), 8);
  base::write_file(path, bytes);
  EXPECT_THAT(refusal(path), HasSubstr("s are there"));
}

// A small file that unpacks to more than is read.
TEST_F(Ffmpeg, MoreThanTheLimitIsRefused) {
  const Audio<double> silence{8, 48000, std::vector<double>(8 * 48000, 0.0)};
  const fs::path second = make("second.mka", silence, {"-c:a", "flac", "-frame_size", "65535"});
  const int64_t seconds = kMaxSamples / std::ssize(silence.samples) + 1;
  const test::RunResult made =
      test::run({"ffmpeg", "-v", "error", "-stream_loop", std::to_string(seconds), "-i",
                 second.string(), "-c", "copy", (dir / "long.mka").string()});
  ASSERT_EQ(made.status, 0) << made.err;
  EXPECT_LT(fs::file_size(dir / "long.mka"), 1'000'000U);
  try {
    probe_audio(dir / "long.mka");
    ADD_FAILURE() << "was decoded to its end";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("cut the recording into pieces"));
  }
}

TEST_F(Ffmpeg, DamageEndsInAnError) {
  size_t refused = 0;
  for (const auto& [name, arguments] : std::vector<std::pair<std::string, Words>>{
           {"x.m4a", {"-c:a", "alac"}}, {"x.webm", {"-c:a", "libopus"}}, {"x.wma", {}}}) {
    const fs::path path = make(name, soft_noise(2, 16000), arguments);
    const std::string bytes = base::read_file(path);
    for (size_t i = 0; i < 8; ++i) {
      std::string damaged = bytes;
      damaged[i < 4 ? 8 * i : bytes.size() * i / 8] ^= static_cast<char>(0x81 + i);
      base::write_file(path, damaged);
      try {
        EXPECT_LE(read_audio<float>(path).duration_s(), 2.1);
      } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr(path.string()));
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 0U);
}

TEST_F(Ffmpeg, FilesWithoutSoundAreNamed) {
  const test::RunResult made =
      test::run({"ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=duration=1:size=64x48",
                 "-c:v", "mpeg4", (dir / "mute.mp4").string()});
  ASSERT_EQ(made.status, 0) << made.err;
  EXPECT_THAT(refusal(dir / "mute.mp4"), HasSubstr("holds no sound"));
  base::write_file(dir / "text.wav", "this is no sound at all, whatever the name says");
  EXPECT_THAT(refusal(dir / "text.wav"), HasSubstr("is not readable as sound"));
}

TEST_F(Ffmpeg, WithoutFfmpegThePackageIsNamed) {
  const fs::path path = make("x.m4a", soft_noise(1, 16000), {});
  const std::string before = std::getenv("PATH");
  ::setenv("PATH", dir.path().c_str(), 1);
  const std::string message = refusal(path, ErrorKind::not_found);
  ::setenv("PATH", before.c_str(), 1);
  EXPECT_THAT(message, HasSubstr("is MPEG-4 (m4a, mp4)"));
  EXPECT_THAT(message, HasSubstr("apt-get install ffmpeg"));
}

}  // namespace
}  // namespace koi::audio
