// koi say from text to sound: into a file, into a pipe, several segments at once, with a kept
// reference.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "koi/base/files.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace koi::test {
namespace {

using testing::HasSubstr;

constexpr size_t kHeaderBytes = 44;

class Say : public testing::Test {
 protected:
  void SetUp() override {
    const RunResult made = koi({"init", "checkpoint", "--preset", "tiny"}, at_.path());
    ASSERT_EQ(made.status, 0) << made.err;
  }

  // With a cache folder of its own.
  RunResult say(std::vector<std::string> more) const {
    std::vector<std::string> command{"env", "XDG_CACHE_HOME=" + (at_ / "캐시").string(),
                                     KOI_BINARY_DIR "/koi", "say"};
    const std::vector<std::string> same{"--text",
                                        "A small boat. A big boat. Speech is silver.",
                                        "--checkpoint-path",
                                        "checkpoint",
                                        "--chunk-length",
                                        "20",
                                        "--min-new-tokens",
                                        "13",
                                        "--max-new-tokens",
                                        "13"};
    command.insert(command.end(), same.begin(), same.end());
    command.insert(command.end(), more.begin(), more.end());
    RunResult result = run(command, at_.path());
    EXPECT_EQ(result.status, 0) << result.err;
    return result;
  }
  std::string sound(const std::string& name) const {
    return base::read_file(at_ / name).substr(kHeaderBytes);
  }

  TempDir at_;
};

TEST_F(Say, APipeGetsTheSoundOfTheFile) {
  const RunResult file = say({"-o", "x.wav", "--json"});
  const auto report = nlohmann::json::parse(file.out);
  EXPECT_EQ(report["frames"], 39);
  EXPECT_GT(report["ready_seconds"], 0);
  EXPECT_GT(report["first_audio_seconds"], report["ready_seconds"]);
  EXPECT_LT(report["first_audio_seconds"], 60);

  const RunResult pipe = say({"-o", "-", "--json"});
  EXPECT_EQ(pipe.out.substr(0, 4), "RIFF");
  EXPECT_EQ(pipe.out.substr(kHeaderBytes), sound("x.wav"));
  EXPECT_THAT(pipe.err, HasSubstr("\"frames\":39"));
}

TEST_F(Say, SegmentsAtOnce) {
  say({"-o", "alone.wav"});
  const RunResult two = say({"-o", "two.wav", "--together", "2", "--json"});
  EXPECT_EQ(nlohmann::json::parse(two.out)["segments"].size(), 3U);
  say({"-o", "again.wav", "--together", "2"});
  EXPECT_EQ(sound("two.wav"), sound("again.wav"));
  EXPECT_EQ(sound("two.wav").size(), sound("alone.wav").size());
  EXPECT_NE(sound("two.wav"), sound("alone.wav"));
  // The first of them has heard nothing in either way, and draws the same.
  const size_t first = sound("alone.wav").size() / 3;
  EXPECT_EQ(sound("two.wav").substr(0, first), sound("alone.wav").substr(0, first));
}

// Random weights read nothing much, so that it takes a lot.
TEST_F(Say, GuidanceChangesWhatIsSaid) {
  say({"-o", "plain.wav"});
  for (const std::string together : {"1", "3"}) {
    say({"-o", "guided.wav", "--guidance", "10", "--together", together});
    EXPECT_EQ(sound("guided.wav").size(), sound("plain.wav").size());
    EXPECT_NE(sound("guided.wav"), sound("plain.wav"));
    say({"-o", "again.wav", "--guidance", "10", "--together", together});
    EXPECT_EQ(sound("again.wav"), sound("guided.wav"));
  }
  const RunResult refused = koi(
      {"say", "--text", "a", "--checkpoint-path", "checkpoint", "-o", "x.wav", "--guidance", "0"},
      at_.path());
  EXPECT_NE(refused.status, 0);
  EXPECT_THAT(refused.err, HasSubstr("--guidance: 0 is out of range"));
}

TEST_F(Say, AReferenceIsKept) {
  say({"-o", "목소리.wav"});
  const std::vector<std::string> like{"--reference", "목소리.wav", "--reference-text", "무슨 말"};
  const auto said = [&](std::vector<std::string> more) {
    more.insert(more.end(), like.begin(), like.end());
    more.insert(more.end(), {"-o", "like.wav"});
    say(more);
    return sound("like.wav");
  };
  const auto kept = [&] {
    const base::fs::path folder = at_ / "캐시/koi/voices";
    if (!base::fs::is_directory(folder)) return size_t{0};
    return base::list_files(folder, [](const base::fs::path&) { return true; }).size();
  };
  const std::string expected = said({"--no-cache"});
  EXPECT_EQ(kept(), 0U);
  EXPECT_EQ(said({}), expected);
  EXPECT_EQ(kept(), 2U);  // its codes and the model's state behind them
  EXPECT_EQ(said({}), expected);
  EXPECT_EQ(kept(), 2U);
  EXPECT_EQ(said({"--weights", "int8"}).size(), expected.size());
  EXPECT_EQ(kept(), 3U);  // other weights, another state
}

}  // namespace
}  // namespace koi::test
