// koi codec-train: from a folder of recordings to a codec that the other commands read.
#include <gmock/gmock.h>

#include <csignal>

#include "koi/audio/audio_file.h"
#include "koi/base/files.h"
#include "koi/base/folder_lock.h"
#include "koi/checkpoint/npy.h"
#include "tests/support/metrics_rows.h"
#include "tests/support/run_program.h"
#include "tests/support/small_codec_run.h"
#include "tests/support/temp_dir.h"
#include "tests/support/terminal_program.h"

namespace koi::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using Words = std::vector<std::string>;

constexpr char kCodec[] = "codec/firefly-gan-vq-fsq-8x1024-21hz-generator.pth";

class CodecTrain : public testing::Test {
 protected:
  void SetUp() override { write_recordings(at_ / "녹음", 6); }

  static Words words(const Words& more) {
    Words all{"codec-train", "project=코덱", "data.recordings=녹음", "--threads", "1"};
    for (const std::string& word : small_codec_overrides()) all.push_back(word);
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  RunResult train(const Words& more = {}) { return koi(words(more), at_.path()); }

  // As the run "whole" has it.
  void expect_same_codec() const {
    EXPECT_TRUE(base::read_file(run_ / kCodec) == base::read_file(at_ / "results/whole" / kCodec));
  }

  TempDir at_;
  fs::path run_ = at_ / "results/코덱";
};

TEST_F(CodecTrain, TheLossFallsAndOtherCommandsReadTheCodec) {
  const RunResult result =
      train({"stages.encoder.steps=60", "stages.encoder.lr=0.002", "stages.encoder.batch_size=12",
             "stages.encoder.columns=8", "stages.generator.steps=20", "stages.generator.lr=0.005",
             "trainer.val_check_interval=40", "trainer.save_interval=40", "codec_dtype=bf16"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, "results/코덱/" + std::string(kCodec) + "\n");
  EXPECT_THAT(result.err, HasSubstr("5 recordings to train on"));
  EXPECT_THAT(result.err, HasSubstr(" codes "));
  EXPECT_THAT(result.err, testing::Not(HasSubstr("has no effect")));
  const std::vector<nlohmann::json> course = metrics_rows(run_ / "metrics.jsonl");
  ASSERT_EQ(course.size(), 84U);
  const auto mean = [&](const char* name, size_t first) {
    double sum = 0;
    for (size_t i = first; i < first + 5; ++i) sum += course[i][name].get<double>();
    return sum / 5;
  };
  EXPECT_LT(mean("mel", 55), 0.9 * mean("mel", 0));
  EXPECT_LT(mean("loss", 75), 0.9 * mean("loss", 60));
  EXPECT_EQ(course[80]["stage"], "adversarial");
  EXPECT_EQ(course[83]["codes_distinct"].size(), 4U);
  for (const char* file : {"report.html", "samples/original.wav", "samples/step_000000080.wav",
                           "checkpoints/step_000000084.ckpt", ".hydra/overrides.yaml"})
    EXPECT_TRUE(fs::exists(run_ / file)) << file;
  EXPECT_THAT(base::read_file(run_ / "report.html"), HasSubstr("Codes in use"));

  const std::string codec = run_ / kCodec;
  const RunResult again = koi({"codec", "-i", "녹음/tone10.wav", "-o", "again.wav",
                               "--checkpoint-path", codec, "--device", "cpu"},
                              at_.path());
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(audio::probe_audio(at_ / "again.wav").sample_rate_hz, 8000);
  const RunResult codes =
      koi({"extract-vq", "녹음", "--checkpoint-path", codec, "--device", "cpu"}, at_.path());
  ASSERT_EQ(codes.status, 0) << codes.err;
  EXPECT_EQ(checkpoint::read_npy(at_ / "녹음/tone10.npy").shape, (std::vector<int64_t>{4, 31}));

  // A random codec of these sizes.
  const RunResult init = koi(
      {"init", "random", "--codec-config", "results/코덱/codec/firefly_gan_vq.yaml"}, at_.path());
  ASSERT_EQ(init.status, 0) << init.err;
  EXPECT_EQ(base::read_file(at_ / "random/firefly_gan_vq.yaml"),
            base::read_file(run_ / "codec/firefly_gan_vq.yaml"));
}

TEST_F(CodecTrain, StoppedRunsGoOnBitForBit) {
  const Words few{"stages.encoder.steps=2", "stages.generator.steps=2",
                  "stages.adversarial.steps=2", "trainer.val_check_interval=100",
                  "trainer.save_interval=2"};
  Words whole = few, cut = few;
  whole.push_back("project=whole");
  cut.push_back("trainer.max_time=0.00001");
  ASSERT_EQ(train(whole).status, 0);
  for (int calls = 1; calls < 6; ++calls) {  // a step each
    const RunResult part = train(cut);
    ASSERT_EQ(part.status, 0) << part.err;
    EXPECT_THAT(part.err, HasSubstr("step " + std::to_string(calls) + " of 6 is saved"));
  }
  const RunResult last = train(cut);
  EXPECT_THAT(last.err, testing::Not(HasSubstr("the time is up")));
  expect_same_codec();
  for (const char* step : {"4", "5", "6"}) {  // not what a stop has made
    const std::string file = std::string("checkpoints/step_00000000") + step + ".ckpt";
    EXPECT_EQ(fs::exists(run_ / file), fs::exists(at_ / "results/whole" / file)) << file;
  }
  EXPECT_THAT(train(cut).err, HasSubstr("nothing to do"));
}

TEST_F(CodecTrain, ASignalLosesNothing) {
  ASSERT_EQ(train({"project=whole", "stages.encoder.steps=60"}).status, 0);
  Words arguments = words({"stages.encoder.steps=60"});
  arguments.insert(arguments.begin(), KOI_BINARY_DIR "/koi");
  TerminalProgram program(arguments, at_.path());
  EXPECT_TRUE(program.wait_until(
      [&](const std::string&) { return fs::exists(run_ / "checkpoints/step_000000005.ckpt"); }));
  program.signal(SIGINT);
  EXPECT_EQ(program.wait(), 128 + SIGINT) << program.said();
  EXPECT_THAT(program.said(), HasSubstr("is saved; the same command goes on from there"));
  ASSERT_EQ(train({"stages.encoder.steps=60"}).status, 0);
  expect_same_codec();
}

TEST_F(CodecTrain, WhatCannotBeIsOneLine) {
  const auto expect_error = [&](const Words& more, const std::string& what) {
    const RunResult result = train(more);
    EXPECT_NE(result.status, 0);
    EXPECT_THAT(result.err, HasSubstr("koi: error: "));
    EXPECT_THAT(result.err, HasSubstr(what));
  };
  expect_error({"data.recordings=nowhere"}, "nowhere");
  expect_error({"data.exclude=no.txt"}, "no.txt");
  expect_error({"stages.encoder.stepz=3"}, "stages.encoder.steps");
  expect_error({"codec.quantizer.levels=[1]"}, "levels");
  fs::create_directory(at_ / "empty");
  expect_error({"data.recordings=empty"}, "at least 2 are needed");
  ASSERT_EQ(train().status, 0);
  const std::string overrides = base::read_file(run_ / ".hydra/overrides.yaml");
  expect_error({"codec.spec_transform.sample_rate=4000"}, "is of a codec with other settings");
  expect_error({"project="}, "project");
  EXPECT_EQ(base::read_file(run_ / ".hydra/overrides.yaml"), overrides);
  {
    base::FolderLock lock;
    ASSERT_TRUE(lock.try_lock(run_));
    expect_error({}, "another run is at work in it");
  }
  base::write_file(run_ / "checkpoints/step_000000099.ckpt", "damaged");
  expect_error({}, "step_000000099.ckpt");
}

}  // namespace
}  // namespace koi::test
