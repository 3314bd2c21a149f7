// koi bench, and --weights of the commands that speak.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "koi/base/files.h"
#include "koi/checkpoint/npy.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace koi::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class Bench : public testing::Test {
 protected:
  void SetUp() override {
    const RunResult made = koi({"init", "checkpoint", "--preset", "tiny"}, at_.path());
    ASSERT_EQ(made.status, 0) << made.err;
  }

  RunResult run(std::vector<std::string> command) const {
    command.insert(command.end(), {"--checkpoint-path", "checkpoint"});
    return koi(command, at_.path());
  }

  json measure(std::vector<std::string> command) const {
    command.insert(command.begin(), "bench");
    command.insert(command.end(), {"--seconds", "0", "--repetitions", "1", "--json"});
    const RunResult result = run(command);
    EXPECT_EQ(result.status, 0) << result.err;
    return json::parse(result.out);
  }

  TempDir at_;
};

TEST_F(Bench, MeasuresEachPart) {
  const json found = measure({"all", "--weights", "fp32", "--weights", "int8+int4"});
  EXPECT_GT(found["read_bytes_per_s"], 0);
  EXPECT_GT(found["gemm_flops_per_s"], 0);
  EXPECT_GT(found["peak_memory_bytes"], 0);
  std::vector<std::string> works;
  for (const json& figure : found["figures"]) {
    works.push_back(figure["work"]);
    EXPECT_GT(figure["median_s"], 0) << figure;
    EXPECT_GT(figure["per_second"], 0) << figure;
    EXPECT_GT(figure["cpu_s"], 0) << figure;
    if (figure["work"] == "encode" || figure["work"] == "decode") {
      EXPECT_GT(figure["flops"], 1e6) << figure;
      EXPECT_EQ(figure["limit"], "sgemm") << figure;
    }
    if (figure.contains("share")) {
      EXPECT_GT(figure["share"], 0) << figure;
    }
  }
  EXPECT_THAT(
      works,
      testing::ElementsAre(
          "load", "encode", "decode", "prompt of 64, fp32", "slow part of a frame, fp32",
          "frame, fp32", "frame of 4 voices, fp32", "prompt of 64, int8+int4",
          "slow part of a frame, int8+int4", "frame, int8+int4", "frame of 4 voices, int8+int4",
          "say, fp32", "first sound, fp32", "say, 4 at once, fp32", "first sound, 4 at once, fp32",
          "say, int8+int4", "first sound, int8+int4", "say, 4 at once, int8+int4",
          "first sound, 4 at once, int8+int4", "training step, 1 x 512"));
  EXPECT_GT(found["figures"].back()["peak_memory_bytes"], 0);
}

TEST_F(Bench, TrainsOnWhatIsAsked) {
  const json found = measure(
      {"train", "--train-rows", "2", "--train-tokens", "32", "--base-weights", "int8"})["figures"];
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0]["work"], "training step, 2 x 32");
  EXPECT_EQ(found[0]["amount"], 64);
  EXPECT_EQ(run({"bench", "train", "--base-weights", "int4"}).status, 2);
}

TEST_F(Bench, AccuracyFallsWithTheBits) {
  base::fs::create_directories(at_ / "data/a");
  base::write_file(at_ / "data/a/x.lab", "words that are said");
  std::vector<int32_t> codes(8 * 30);
  for (size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<int32_t>(i * 37 % 1000);
  checkpoint::write_codes(at_ / "data/a/x.npy", {8, 30, codes});
  const RunResult packed =
      koi({"build-dataset", "--input", "data", "--output", "protos", "--text-extension", ".lab"},
          at_.path());
  ASSERT_EQ(packed.status, 0) << packed.err;
  const json found = measure({"--accuracy", "--data", "protos", "--weights", "fp32", "--weights",
                              "int8", "--weights", "int4"});
  ASSERT_EQ(found["accuracy"].size(), 3U);
  const auto part = [&](size_t i, const char* name) { return found["accuracy"][i][name]; };
  for (const char* name : {"tokens", "codes"}) {
    EXPECT_EQ(part(0, name)["kl_nats"], 0);
    EXPECT_EQ(part(0, name)["same_best"], 1);
    EXPECT_GT(part(1, name)["kl_nats"], 0);
    EXPECT_GT(part(2, name)["kl_nats"].get<double>(), part(1, name)["kl_nats"].get<double>());
  }
  EXPECT_EQ(found["accuracy"][0]["near_fp32"], true);
  for (size_t i = 1; i < 3; ++i) {
    const bool near =
        std::max(part(i, "tokens")["kl_nats"], part(i, "codes")["kl_nats"]) <= 0.01 &&
        std::min(part(i, "tokens")["same_best"], part(i, "codes")["same_best"]) >= 0.98;
    EXPECT_EQ(found["accuracy"][i]["near_fp32"], near) << i;
  }
  EXPECT_EQ(part(0, "tokens")["count"], 31);  // the end is predicted too
  EXPECT_EQ(part(0, "codes")["count"], 30 * 8);
}

TEST_F(Bench, WhatCannotBeMeasuredIsSaid) {
  EXPECT_THAT(run({"bench"}).err, HasSubstr("koi bench all"));
  EXPECT_THAT(run({"bench", "--accuracy"}).err, HasSubstr("--data"));
  EXPECT_THAT(run({"bench", "generate", "--weights", "int3"}).err, HasSubstr("int8+int4"));
  EXPECT_EQ(run({"bench", "generate", "--weights", "int3"}).status, 2);
}

TEST_F(Bench, EveryFormSpeaks) {
  const auto speak = [this](const std::string& weights, const std::string& to) {
    const RunResult result =
        run({"generate", "--text", "Good morning.", "--greedy", "--max-new-tokens", "8",
             "--min-new-tokens", "8", "--weights", weights, "--output-dir", to});
    EXPECT_EQ(result.status, 0) << result.err;
    return checkpoint::read_codes(at_ / to / "codes_0.npy");
  };
  const checkpoint::Codes exact = speak("auto", "auto");
  EXPECT_EQ(exact.frames, 8);
  EXPECT_EQ(speak("fp32", "fp32").values, exact.values);  // the file's own form
  for (const char* weights : {"bf16", "int8", "int4", "int8+int4"})
    EXPECT_EQ(speak(weights, weights).frames, 8) << weights;
  EXPECT_EQ(run({"generate", "--text", "x", "--weights", "fp64"}).status, 2);
}

}  // namespace
}  // namespace koi::test
