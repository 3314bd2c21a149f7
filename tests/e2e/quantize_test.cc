// koi quantize: what is stored speaks as what is made while loading, every command knows what such
// a folder is good for, and nothing is ever half written.
#include <gmock/gmock.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "koi/base/files.h"
#include "koi/checkpoint/npy.h"
#include "tests/support/process.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace koi::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using Words = std::vector<std::string>;

constexpr const char* kOutput = "작은 모델";

class Quantize : public testing::Test {
 protected:
  void SetUp() override {
    const RunResult made = koi({"init", "base", "--preset", "tiny", "--dtype", "bf16"}, at_.path());
    ASSERT_EQ(made.status, 0) << made.err;
  }

  RunResult run(const Words& words) const { return koi(words, at_.path()); }

  json quantize(const std::string& weights) const {
    fs::remove_all(at_ / kOutput);
    const RunResult result = run({"quantize", "--checkpoint-path", "base", "--weights", weights,
                                  "--output", kOutput, "--json"});
    EXPECT_EQ(result.status, 0) << result.err;
    return json::parse(result.out);
  }

  std::vector<int32_t> speak(const std::string& checkpoint, const std::string& weights) const {
    const RunResult result =
        run({"generate", "--text", "Good morning.", "--seed", "7", "--max-new-tokens", "12",
             "--min-new-tokens", "12", "--checkpoint-path", checkpoint, "--weights", weights,
             "--output-dir", "out", "--device", "cpu"});
    EXPECT_EQ(result.status, 0) << result.err;
    return checkpoint::read_codes(at_ / "out/codes_0.npy").values;
  }

  // The command fails with one line that says so.
  void refused(const Words& words, const std::string& why, int status = 1) const {
    const RunResult result = run(words);
    EXPECT_EQ(result.status, status) << words[0];
    EXPECT_THAT(result.err, HasSubstr(why)) << words[0];
  }

  TempDir at_;
};

TEST_F(Quantize, SpeaksTokenForTokenAsAtLoad) {
  for (const char* weights : {"int8", "int4", "int8+int4", "bf16"}) {
    SCOPED_TRACE(weights);
    const json report = quantize(weights);
    EXPECT_EQ(report["weights"], weights);
    EXPECT_LE(report["bytes"].get<int64_t>(), report["base_bytes"].get<int64_t>());
    EXPECT_THAT(report["copied"], testing::Contains("config.json"));
    const std::vector<int32_t> expected = speak("base", weights);
    EXPECT_EQ(expected.size(), 12U * 8);
    EXPECT_EQ(speak(kOutput, "auto"), expected);
    EXPECT_EQ(speak(kOutput, weights), expected);
  }
}

TEST_F(Quantize, EveryCommandKnowsTheFolder) {
  quantize("int8+int4");
  const RunResult said =
      run({"say", "--text", "안녕하세요.", "--checkpoint-path", kOutput, "--max-new-tokens", "4",
           "--min-new-tokens", "4", "--device", "cpu", "-o", "out.wav"});
  EXPECT_EQ(said.status, 0) << said.err;
  EXPECT_GT(fs::file_size(at_ / "out.wav"), 4U * 2048);
  const RunResult shown = run({"inspect", kOutput, "--json"});
  ASSERT_EQ(shown.status, 0) << shown.err;
  EXPECT_EQ(json::parse(shown.out)["koi_weights"], "int8+int4");
  const RunResult measured = run({"bench", "generate", "load", "--checkpoint-path", kOutput,
                                  "--seconds", "0", "--repetitions", "1", "--json"});
  ASSERT_EQ(measured.status, 0) << measured.err;
  const json figures = json::parse(measured.out)["figures"];
  // load, prompt, slow part, frame, frame of 4 voices, in the one form
  ASSERT_EQ(figures.size(), 5U);
  EXPECT_EQ(figures[3]["work"], "frame, int8+int4");
}

TEST_F(Quantize, WhatItIsNotGoodForIsSaid) {
  quantize("int8");
  const std::string speaks_only = "model.safetensors: holds quantised weights";
  refused({"finetune", "base", "--name", "x", "--checkpoint-path", kOutput}, speaks_only);
  refused({"bench", "all", "--checkpoint-path", kOutput}, speaks_only);
  refused({"quantize", "--checkpoint-path", kOutput, "--output", "again"}, speaks_only);
  refused({"generate", "--text", "x", "--checkpoint-path", kOutput, "--weights", "fp32"},
          "holds int8 weights, of which fp32 cannot be made");
  refused({"bench", "--accuracy", "--data", "none", "--checkpoint-path", kOutput},
          "of which fp32 cannot be made");
  refused({"quantize", "--checkpoint-path", "base", "--output", kOutput}, "is there already");
  refused({"quantize", "--checkpoint-path", "base", "--weights", "int3", "--output", "x"},
          "there is no format int3", 2);
  refused({"quantize", "--checkpoint-path", "nowhere", "--output", "x"}, "nowhere");
  EXPECT_FALSE(fs::exists(at_ / "x"));
  fs::copy_file(at_ / "base/model.pth", at_ / kOutput / "model.pth");
  refused({"generate", "--text", "x", "--checkpoint-path", kOutput}, "holds both");
}

int count_files(const fs::path& folder) {
  int count = 0;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) ++count;
  return count;
}

TEST_F(Quantize, KilledAtAnyMomentLeavesNothingHalf) {
  const fs::path folder = at_ / "out", made = folder / "int8";
  const auto start = [&] {
    return std::make_unique<Process>(Words{KOI_BINARY_DIR "/koi", "quantize", "--checkpoint-path",
                                           at_ / "base", "--output", made},
                                     std::map<std::string, std::string>{});
  };
  int kills = 0;
  for (int files = 1; files <= 6; ++files) {
    fs::remove_all(made);
    const auto process = start();
    while (count_files(folder) < files && !process->ended()) {
      // Sleeping would miss it.
    }
    process->signal(SIGKILL);
    if (process->wait() != 128 + SIGKILL) continue;
    ++kills;
    EXPECT_FALSE(fs::exists(made)) << files;
  }
  EXPECT_GE(kills, 3);
  fs::remove_all(made);
  EXPECT_EQ(start()->wait(), 0);
  EXPECT_TRUE(fs::exists(made / "model.safetensors"));
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    EXPECT_THAT(entry.path().filename().string(), testing::Not(HasSubstr(".koi")));
}

TEST_F(Quantize, AFullDiskLeavesNothing) {
  fs::create_directories(at_ / "full");
  const RunResult result = test::run({"unshare", "--map-root-user", "--mount", "sh", "-c",
                                      "mount -t tmpfs -o size=500k none full || exit 99; "
                                      "\"$1\" quantize --checkpoint-path base --output full/out; "
                                      "status=$?; ls -A full; exit $status",
                                      "sh", KOI_BINARY_DIR "/koi"},
                                     at_.path());
  EXPECT_EQ(result.status, 1) << result.err;
  EXPECT_THAT(result.err, HasSubstr("No space left on device"));
  EXPECT_EQ(result.out, "");
}

}  // namespace
}  // namespace koi::test
