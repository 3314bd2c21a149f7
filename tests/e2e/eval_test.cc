// koi eval with the real program: checkpoints, an adapter and its merge, recordings, and a
// recogniser and an embedder that only look at what they are given.
#include <gmock/gmock.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "koi/audio/audio_file.h"
#include "koi/base/files.h"
#include "koi/base/random.h"
#include "koi/dataset/shard.h"
#include "tests/support/process.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_codec.h"

namespace koi::test {
namespace {

namespace fs = base::fs;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using Words = std::vector<std::string>;

// Hears what is said in recordings, and nothing elsewhere.
constexpr char kHear[] = R"(#!/bin/sh
awk -F '\t' '$2 != "" { print $1 "\t" ($1 ~ /^originals/ ? $3 : "") }'
)";
constexpr char kKnow[] = R"(awk -F '\t' '$2 != "" { print $1 "\t1 0.5 " length($3) / 100 }')";

class EvalTest : public testing::Test {
 protected:
  void SetUp() override {
    must({"init", "base", "--preset", "tiny", "--codec-config", kTinyCodecConfig});
    copy_tiny_codec(at / "base");
    base::write_file(at / "hear.sh", kHear);
    base::write_file(at / "문장.tsv", "one\tSay 1 thing.\n둘\t안녕하세요\nthree\tThe end\n");
    record("녹음/one.wav");
    record("녹음/둘.wav");
  }

  void record(const std::string& path) const {
    base::PythonRandom random(7);
    std::vector<float> samples(22050);
    for (float& sample : samples) sample = static_cast<float>(random.random() - 0.5);
    base::make_folder((at / path).parent_path());
    audio::write_wav_pcm16(at / path, samples, 22050);
  }

  RunResult must(const Words& words) const {
    RunResult result = koi(words, at.path());
    EXPECT_EQ(result.status, 0) << words[0] << "\n" << result.out << result.err;
    return result;
  }
  Words eval_words(const Words& more) const {
    Words words{"eval", "--sentences", "문장.tsv", "--max-new-tokens", "12", "--min-new-tokens",
                "12",   "-o",          "결과",     "--greedy"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  json eval(Words more) const {
    more.push_back("--json");
    return json::parse(must(eval_words(more)).out);
  }
  std::string refusal(const Words& words) const {
    const RunResult result = koi(words, at.path());
    EXPECT_NE(result.status, 0);
    return result.err;
  }

  // An adapter of a few steps on random codes.
  std::string train_adapter() const {
    base::PythonRandom random(3);
    dataset::TextData speaker{.source = "folder", .name = "s", .sentences = {}};
    for (int i = 0; i < 4; ++i) {
      dataset::CodeRows rows(4);
      for (auto& row : rows)
        for (int t = 0; t < 10; ++t) row.push_back(static_cast<uint32_t>(random.below(3)));
      speaker.sentences.push_back({.texts = {"one two"}, .codes = rows});
    }
    base::make_folder(at / "data");
    base::write_file(at / "data/0.protos", dataset::record_bytes(speaker));
    const std::string out =
        must({"train", "project=p", "train_dataset.proto_files=[data]",
              "val_dataset.proto_files=[data]", "trainer.max_steps=3",
              "trainer.limit_val_batches=0", "data.batch_size=1", "max_length=128",
              "model.optimizer.lr=1e-2", "pretrained_ckpt_path=base",
              "+lora@model.model.lora_config=r_8_alpha_16"})
            .out;
    return out.substr(0, out.find('\n'));
  }

  TempDir at;
};

TEST_F(EvalTest, MeasuresCheckpointsBesideTheRecordings) {
  const std::string adapter = train_adapter();
  must({"merge-lora", "--base-weight", "base", "--lora-weight", adapter, "--output", "merged"});
  const json report =
      eval({"base", "base+" + adapter, "merged", "--recordings", "녹음", "--recognizer",
            "귀=sh hear.sh", "--speaker", std::string("who=") + kKnow});
  ASSERT_EQ(report["rows"].size(), 5U);
  json rows;
  for (const json& row : report["rows"]) rows[row["name"].get<std::string>()] = row;
  EXPECT_EQ(report["rows"][3]["name"], "originals");
  EXPECT_EQ(report["rows"][4]["name"], "codec");
  EXPECT_EQ(rows["originals"]["recognizers"]["귀"]["wer"], 0);
  EXPECT_EQ(rows["originals"]["sentences"], 2);
  EXPECT_EQ(rows["base"]["recognizers"]["귀"]["cer"], 1);
  EXPECT_EQ(rows["base"]["recognizers"]["귀"]["words"], 6);
  EXPECT_EQ(rows["codec"]["kind"], "codec");
  EXPECT_NEAR(rows["codec"]["duration_ratio"].get<double>(), 1, 0.1);
  EXPECT_GT(rows["base"]["likeness"], 0.5);
  EXPECT_EQ(rows["base"]["failed"], 0);
  EXPECT_EQ(rows["base"]["reached_limit"], 3);
  EXPECT_NEAR(rows["base"]["results"][0]["seconds"].get<double>(), 12 * 2048 / 44100.0, 0.2);

  const auto sound = [&](const std::string& voice) {
    return base::read_file(at / ("결과/" + voice + "/둘.wav"));
  };
  EXPECT_EQ(sound("base+" + fs::path(adapter).stem().string()), sound("merged"));
  must({"say", "--text", "안녕하세요", "--checkpoint-path", "base", "--greedy", "--max-new-tokens",
        "12", "--min-new-tokens", "12", "-o", "said.wav"});
  EXPECT_EQ(sound("base"), base::read_file(at / "said.wav"));

  const std::string page = base::read_file(at / "결과/report.html");
  EXPECT_THAT(page, AllOf(HasSubstr("src=\"merged/%EB%91%98.wav\""), HasSubstr("Say 1 thing.")));
  EXPECT_EQ(json::parse(base::read_file(at / "결과/report.json")), report);
}

TEST_F(EvalTest, WithoutProgramsItTellsOfTheSoundAndHowToGetThem) {
  const RunResult result = must(eval_words({"mine=base"}));
  EXPECT_THAT(result.err, HasSubstr("scripts/setup --eval"));
  EXPECT_THAT(result.out, AllOf(HasSubstr("mine"), HasSubstr("결과/report.html")));
}

TEST_F(EvalTest, StoppedWhileItAsksItGoesOnThere) {
  const Words words = eval_words({"base", "--recognizer", "slow=touch asked; sleep 100"});
  Words command{"env", "--chdir=" + at.path().string(), KOI_BINARY_DIR "/koi"};
  command[0] = "/usr/bin/env";
  command.insert(command.end(), words.begin(), words.end());
  Process program(command, {});
  while (!fs::exists(at / "asked") && !program.ended()) ::usleep(20'000);
  program.signal(SIGINT);
  EXPECT_EQ(program.wait(), 128 + SIGINT) << program.err();
  EXPECT_THAT(program.err(), HasSubstr("koi: interrupted: slow: was stopped; the same command"));
  const fs::path wav = at / "결과/base/one.wav";
  const auto written = fs::last_write_time(wav);
  const json report = eval({"base", "--recognizer", "귀=sh hear.sh"});
  EXPECT_EQ(fs::last_write_time(wav), written);
  // Nor is anything made again where it is all there; other sampling is another sound.
  EXPECT_EQ(eval({"base", "--recognizer", "귀=sh hear.sh"}), report);
  eval({"base", "--top-p", "0.5"});
  EXPECT_NE(fs::last_write_time(wav), written);
}

TEST_F(EvalTest, WhatIsWrongIsSaidInALine) {
  EXPECT_THAT(refusal({"eval", "base"}), HasSubstr("--sentences: is missing"));
  EXPECT_THAT(refusal(eval_words({})), HasSubstr("nothing to evaluate"));
  EXPECT_THAT(refusal(eval_words({"nowhere"})), HasSubstr("nowhere: no such checkpoint folder"));
  EXPECT_THAT(refusal(eval_words({"=base"})), HasSubstr("write NAME=FOLDER"));
  EXPECT_THAT(refusal(eval_words({"base+none.ckpt"})), HasSubstr("none.ckpt"));
  EXPECT_THAT(refusal(eval_words({"base", "base"})), HasSubstr("the name base comes twice"));
  EXPECT_THAT(refusal(eval_words({"base", "--recognizer", "nobody"})),
              HasSubstr("run scripts/setup --eval"));
  EXPECT_THAT(refusal(eval_words({"base", "--recognizer", "x="})), HasSubstr("NAME=COMMAND"));
  EXPECT_THAT(refusal(eval_words({"base", "--recordings", "nowhere"})), HasSubstr("nowhere"));
  EXPECT_THAT(refusal(eval_words({"base", "--speaker", "who=true"})),
              HasSubstr("no recordings to be like"));
  EXPECT_FALSE(fs::exists(at / "결과/base/one.wav"));
}

}  // namespace
}  // namespace koi::test
