// The checkpoint of the published size (494 M parameters): it loads by mmap, trains a step and
// speaks within the memory of a laptop.
#include <gtest/gtest.h>

#include <ctime>
#include <filesystem>
#include <fstream>

#include "koi/audio/audio_file.h"
#include "koi/checkpoint/npy.h"
#include "koi/lm/checkpoint.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace koi::test {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kLimitKib = 12LL * 1024 * 1024;

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

class FullSize : public testing::Test {
 protected:
  // One checkpoint for all tests: it costs a gigabyte and some seconds.
  static void SetUpTestSuite() {
    folder = new TempDir;
    const RunResult made =
        koi({"init", "ck", "--preset", "fish-speech-1.4", "--seed", "1"}, folder->path());
    ASSERT_EQ(made.status, 0) << made.err;
    EXPECT_LT(made.peak_rss_kib, kLimitKib);
  }
  static void TearDownTestSuite() {
    delete folder;
    folder = nullptr;
  }
  static TempDir* folder;
};
TempDir* FullSize::folder = nullptr;

TEST_F(FullSize, LoadsByMmapInUnderASecond) {
  const double before = cpu_seconds();
  lm::DualAr model = lm::load_model(*folder / "ck", {.dtype = std::nullopt});
  EXPECT_LT(cpu_seconds() - before, 1.0);
  int64_t parameters = 0;
  model.visit([&](const std::string&, at::Tensor& parameter) { parameters += parameter.numel(); });
  EXPECT_EQ(parameters, 494462976);  // manifest_full.txt
}

TEST_F(FullSize, TrainsAStepWithin12GiB) {
  fs::create_directories(*folder / "data/speaker");
  std::vector<int32_t> values(8 * 64);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int32_t>(i * 37 % 1000);
  checkpoint::write_codes(*folder / "data/speaker/a.npy", {8, 64, values});
  std::ofstream(*folder / "data/speaker/a.lab") << "One sentence to train on.\n";
  const RunResult packed =
      koi({"build-dataset", "--input", "data", "--output", "protos", "--text-extension", ".lab"},
          folder->path());
  ASSERT_EQ(packed.status, 0) << packed.err;
  const RunResult trained =
      koi({"train", "project=full", "pretrained_ckpt_path=ck", "train_dataset.proto_files=[protos]",
           "val_dataset.proto_files=[protos]", "+lora@model.model.lora_config=r_8_alpha_16",
           "trainer.max_steps=1", "trainer.val_check_interval=1", "trainer.limit_val_batches=1",
           "data.batch_size=1", "max_length=128"},
          folder->path());
  ASSERT_EQ(trained.status, 0) << trained.err;
  EXPECT_TRUE(fs::exists(*folder / "results/full/checkpoints/step_000000001.ckpt"));
  EXPECT_LT(trained.peak_rss_kib, kLimitKib);
  std::cout << "one LoRA step: " << trained.cpu_s << " CPU s, " << trained.peak_rss_kib / 1024
            << " MiB\n";
}

TEST_F(FullSize, SpeaksASecondWithin12GiB) {
  const RunResult spoken =
      koi({"say", "--text", "One second.", "--checkpoint-path", "ck", "--min-new-tokens", "22",
           "--max-new-tokens", "22", "--greedy", "-o", "out.wav"},
          folder->path());
  ASSERT_EQ(spoken.status, 0) << spoken.err;
  EXPECT_EQ(audio::probe_audio(*folder / "out.wav").frames, 22 * 2048);
  EXPECT_LT(spoken.peak_rss_kib, kLimitKib);
  std::cout << "one second of speech: " << spoken.cpu_s << " CPU s, " << spoken.peak_rss_kib / 1024
            << " MiB\n";
}

}  // namespace
}  // namespace koi::test
