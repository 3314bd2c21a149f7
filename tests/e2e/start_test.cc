// The light commands start in milliseconds and load no libtorch.
#include <gtest/gtest.h>

#include <chrono>

#include "tests/support/run_program.h"

namespace koi::test {
namespace {

TEST(Start, HelpIsQuickAndNamesEveryCommand) {
  double best_s = 1e9;
  RunResult help;
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    help = koi({"--help"});
    best_s = std::min(
        best_s, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  EXPECT_EQ(help.status, 0);
  // Loading libtorch alone costs 0.25 s.
  EXPECT_LT(best_s, 0.1);
  for (const char* command :
       {"loudness-norm", "extract-vq", "build-dataset", "train", "merge-lora", "generate", "codec",
        "say", "init", "inspect", "finetune", "align", "bench", "tokenizer-train"}) {
    EXPECT_NE(help.out.find(command), std::string::npos) << command;
    const RunResult own = koi({command, "--help"});
    EXPECT_EQ(own.status, 0) << command;
    EXPECT_NE(own.out.find("Examples"), std::string::npos) << command;
  }
}

TEST(Start, LightProgramLinksNoLibtorch) {
  const RunResult libraries = run({"ldd", KOI_BINARY_DIR "/koi"});
  ASSERT_EQ(libraries.status, 0);
  EXPECT_EQ(libraries.out.find("torch"), std::string::npos);
}

}  // namespace
}  // namespace koi::test
