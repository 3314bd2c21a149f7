// The commands that prepare recordings, as a person types them.
#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "koi/audio/audio_file.h"
#include "koi/base/files.h"
#include "koi/checkpoint/npy.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace koi::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

class DataCommands : public testing::Test {
 protected:
  DataCommands() { fs::create_directories(at / "raw/민지"); }

  // A tone, silent in the second of every three seconds.
  void write_tone(const std::string& name, double seconds, int rate_hz = 16000) {
    std::vector<float> samples(static_cast<size_t>(seconds * rate_hz));
    for (size_t t = 0; t < samples.size(); ++t) {
      const bool loud = t / static_cast<size_t>(rate_hz) % 3 != 1;
      samples[t] = loud ? 0.1F * std::sin(0.3F * static_cast<float>(t)) : 0.0F;
    }
    audio::write_wav_pcm16(at / name, samples, rate_hz);
  }

  void encode(const std::string& from, const std::string& to) {
    const RunResult result =
        run({"ffmpeg", "-v", "error", "-i", (at / from).string(), (at / to).string()});
    ASSERT_EQ(result.status, 0) << result.err;
  }

  // Runs a command that ends in `status` and gives what it printed with --json.
  json run_json(std::vector<std::string> command, int status = 0) {
    command.emplace_back("--json");
    const RunResult result = koi(command, at.path());
    EXPECT_EQ(result.status, status) << command[0] << ": " << result.err;
    return json::parse(result.out);
  }

  TempDir at;
};

TEST_F(DataCommands, LoudnessNormTakesWhatFfmpegReads) {
  write_tone("tone.wav", 3);
  for (const char* name : {"raw/민지/a.m4a", "raw/b.webm", "raw/c.wma", "raw/d.mp4"})
    encode("tone.wav", name);
  base::write_file(at / "raw/민지/a.lab", "안녕");
  // A transcript that cannot be copied is named too.
  fs::create_directories(at / "data/민지/a.lab");
  const RunResult blocked = koi({"loudness-norm", "raw", "data"}, at.path());
  EXPECT_EQ(blocked.status, 1);
  EXPECT_THAT(blocked.err, HasSubstr("a.lab"));
  fs::remove_all(at / "data");
  const json first = run_json({"loudness-norm", "raw", "data"});
  EXPECT_EQ(first["done"], 4);
  EXPECT_EQ(first["as_wav"], 4);
  EXPECT_EQ(first["side_files"], 1);
  EXPECT_NEAR(audio::probe_audio(at / "data/민지/a.wav").duration_s(), 3, 0.001);
  EXPECT_EQ(run_json({"loudness-norm", "raw", "data"})["skipped"], 4);
  const RunResult shown = koi({"inspect", (at / "raw/b.webm").string()});
  EXPECT_THAT(shown.out, HasSubstr("Matroska"));
  EXPECT_THAT(shown.out, HasSubstr("Opus"));
}

TEST_F(DataCommands, SliceCutsGoesOnAndNamesWhatStaysBehind) {
  write_tone("raw/민지/talk.wav", 30);
  write_tone("raw/one.wav", 1);
  encode("raw/민지/talk.wav", "raw/talk.m4a");
  base::write_file(at / "raw/one.lab", "one");
  base::write_file(at / "raw/민지/talk.lab", "many words");
  const json first = run_json({"slice", "raw", "data", "--min-duration", "2"});
  EXPECT_EQ(first["done"], 3);
  EXPECT_EQ(first["pieces"], 21);
  EXPECT_EQ(first["transcripts"], 1);
  ASSERT_EQ(first["problems"].size(), 1U);
  EXPECT_THAT(first["problems"][0]["message"].get<std::string>(), HasSubstr("talk.lab"));
  EXPECT_TRUE(fs::exists(at / "data/민지/talk/0009.wav"));
  EXPECT_TRUE(fs::exists(at / "data/one/0000.lab"));
  EXPECT_EQ(run_json({"slice", "raw", "data", "--min-duration", "2"})["skipped"], 3);
  EXPECT_EQ(koi({"slice", "raw", "flat", "--hop-length", "0"}, at.path()).status, 2);
  EXPECT_FALSE(fs::exists(at / "flat"));
}

TEST_F(DataCommands, ResampleBringsAllToOneRate) {
  write_tone("raw/민지/a.wav", 2, 8000);
  encode("raw/민지/a.wav", "raw/b.m4a");
  base::write_file(at / "raw/민지/a.lab", "안녕");
  const json first = run_json({"resample", "raw", "data", "--sampling-rate", "24000"});
  EXPECT_EQ(first["done"], 2);
  EXPECT_EQ(first["as_wav"], 1);
  for (const char* name : {"data/민지/a.wav", "data/b.wav"}) {
    const audio::AudioInfo info = audio::probe_audio(at / name);
    EXPECT_EQ(info.sample_rate_hz, 24000);
    EXPECT_NEAR(info.duration_s(), 2, 0.001);
  }
  EXPECT_TRUE(fs::exists(at / "data/민지/a.lab"));
  EXPECT_EQ(run_json({"resample", "raw", "data", "--sampling-rate", "24000"})["skipped"], 2);
  EXPECT_EQ(koi({"resample", "raw", "x", "--sampling-rate", "1"}, at.path()).status, 2);
}

// Half an hour in one piece would be 0.6 GiB and more.
TEST_F(DataCommands, LongRecordingsTakeLittleMemory) {
  const RunResult made = run({"ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=1800:r=44100",
                              "-c:a", "flac", (at / "raw/long.flac").string()});
  ASSERT_EQ(made.status, 0) << made.err;
  const auto expect_little = [this](const std::vector<std::string>& command) {
    const RunResult result = koi(command, at.path());
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_LT(result.peak_rss_kib, 128 * 1024) << command[0];
  };
  expect_little({"resample", "raw", "data", "--sr", "48000"});
  EXPECT_EQ(audio::probe_audio(at / "data/long.flac").frames, int64_t{1800} * 48000);
  expect_little({"loudness-norm", "raw", "norm", "--true-peak", "-1"});
  EXPECT_EQ(audio::probe_audio(at / "norm/long.flac").frames, int64_t{1800} * 44100);
}

TEST_F(DataCommands, LengthTellsHoursAndNamesTheLongAndTheShort) {
  write_tone("raw/long.wav", 12);
  write_tone("raw/민지/short.wav", 1);
  const json facts = run_json({"length", "raw", "-l", "10", "-s", "2"});
  EXPECT_EQ(facts["recordings"], 2);
  EXPECT_EQ(facts["total_s"], 13);
  EXPECT_EQ(facts["longer"][0]["path"], "long.wav");
  EXPECT_EQ(facts["shorter"][0]["path"], "민지/short.wav");
  base::write_file(at / "raw/bad.wav", "no sound");
  const RunResult shown = koi({"length", "raw", "--visualize"}, at.path());
  EXPECT_EQ(shown.status, 1);
  EXPECT_THAT(shown.out, HasSubstr("2 recordings, 0.00 hours; mean 6.50 s"));
  EXPECT_THAT(shown.out, HasSubstr("####"));
  EXPECT_THAT(shown.err, HasSubstr("bad.wav"));
}

TEST_F(DataCommands, SplitWritesListsThatTheOthersRead) {
  for (const char* name : {"raw/민지/0", "raw/민지/1", "raw/민지/2", "raw/민지/3"}) {
    write_tone(std::string(name) + ".wav", 1);
    base::write_file(at / (std::string(name) + ".lab"), std::string("말 ") + name);
    checkpoint::write_codes(at / (std::string(name) + ".npy"), {8, 2, std::vector<int32_t>(16, 1)});
  }
  write_tone("raw/민지/long.wav", 9);
  base::write_file(at / "raw/민지/long.lab", "긴 말");
  const json lists = run_json({"split", "raw", "--max-duration", "5"});
  EXPECT_EQ(lists["train"], 3);
  EXPECT_EQ(lists["validation"], 1);
  EXPECT_EQ(lists["too_long"], 1);
  // The paths are those of the list's folder.
  for (const char* side : {"train", "val"}) {
    const json packed =
        run_json({"build-dataset", "--filelist", std::string("raw/vq_") + side + "_filelist.txt",
                  "--output", std::string("protos-") + side});
    EXPECT_EQ(packed["sentences"], side == std::string("train") ? 3 : 1);
  }
  write_tone("raw/mute.wav", 1);
  EXPECT_EQ(run_json({"split", "raw"}, 1)["failed"], 1);
  EXPECT_EQ(koi({"split", "raw", "--val-ratio", "0.1", "--val-count", "3"}, at.path()).status, 2);
}

TEST_F(DataCommands, ImportReadsTheLayoutsOfOthers) {
  fs::create_directories(at / "LJSpeech-1.1/wavs");
  write_tone("LJSpeech-1.1/wavs/LJ001-0001.wav", 1);
  base::write_file(at / "LJSpeech-1.1/metadata.csv",
                   "LJ001-0001|No. 1|Number one\nLJ001-0002|x|no file\n");
  const json lj = run_json({"import", "LJSpeech-1.1/", "data"}, 1);
  EXPECT_EQ(lj["done"], 1);
  EXPECT_EQ(lj["failed"], 1);
  EXPECT_THAT(lj["problems"][0]["message"].get<std::string>(), HasSubstr("metadata.csv, line 2"));
  EXPECT_EQ(base::read_file(at / "data/LJSpeech-1.1/LJ001-0001.lab"), "Number one\n");

  write_tone("raw/민지/long.wav", 5);
  base::write_file(at / "raw/wav.scp", "rec 민지/long.wav\n");
  base::write_file(at / "raw/segments", "utt1 rec 0 1.5\nutt2 rec 2.0 4.5\n");
  base::write_file(at / "raw/text", "utt1 하나\nutt2 둘\n");
  base::write_file(at / "raw/utt2spk", "utt1 민지\nutt2 민지\n");
  EXPECT_EQ(run_json({"import", "raw", "data"})["done"], 2);
  EXPECT_EQ(audio::probe_audio(at / "data/민지/utt2.wav").frames, 40000);
  EXPECT_EQ(run_json({"import", "raw", "data"})["skipped"], 2);

  fs::copy_file(at / "raw/민지/long.wav", at / "raw/long.sph");
  base::write_file(at / "raw/sph.list", "long.sph|S|en|words\n민지/long.wav|S|en|words\n");
  const json sphere = run_json({"import", "raw/sph.list", "data"}, 1);
  EXPECT_EQ(sphere["done"], 1);
  EXPECT_THAT(sphere["problems"][0]["message"].get<std::string>(),
              HasSubstr("long.sph is not called like a recording"));

  base::write_file(at / "raw/x.list", "nothing here\n");
  EXPECT_EQ(koi({"import", "raw/x.list", "other"}, at.path()).status, 1);
  EXPECT_FALSE(fs::exists(at / "other"));
}

}  // namespace
}  // namespace koi::test
