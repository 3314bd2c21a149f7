// A training run that is killed (SIGKILL) at 20 random moments, half of them while it writes a
// checkpoint, and started again by the same command each time: what it leaves equals bit by bit
// what a run leaves that nothing disturbed.
#include <gmock/gmock.h>

#include <chrono>
#include <csignal>
#include <map>
#include <thread>

#include "koi/base/leftovers.h"
#include "koi/base/random.h"
#include "koi/dataset/shard.h"
#include "tests/support/metrics_rows.h"
#include "tests/support/process.h"
#include "tests/support/run_program.h"

namespace koi::test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using Files = std::map<std::string, std::string>;  // bytes by name, "-> NAME" of a link

constexpr int kKills = 20;

class Killed : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(koi({"init", "base", "--preset", "tiny", "--seed", "1"}, at_.path()).status, 0);
    base::PythonRandom random(3);
    dataset::TextData speaker{.source = "folder", .name = "화자", .sentences = {}};
    for (int i = 0; i < 12; ++i) {
      dataset::CodeRows rows(8);
      for (auto& row : rows)
        for (int t = 0; t < 6 + i; ++t) row.push_back(static_cast<uint32_t>(random.below(3)));
      speaker.sentences.push_back({.texts = {"문장 " + std::to_string(i)}, .codes = rows});
    }
    base::make_folder(at_ / "data");
    base::write_file(at_ / "data/0.protos", dataset::record_bytes(speaker));
  }

  // In the folder `place`, so that the paths inside of the checkpoints are the same everywhere.
  std::unique_ptr<Process> start(const std::string& place) const {
    base::make_folder(at_ / place);
    const std::vector<std::string> argv{"/usr/bin/env",
                                        "-C",
                                        at_ / place,
                                        KOI_BINARY_DIR "/koi",
                                        "train",
                                        "project=목소리",
                                        "pretrained_ckpt_path=../base",
                                        "train_dataset.proto_files=../data",
                                        "val_dataset.proto_files=../data",
                                        "+lora@model.model.lora_config=r_8_alpha_16",
                                        "model.model.lora_config.lora_dropout=0.1",
                                        "trainer.max_steps=40",
                                        "trainer.val_check_interval=5",
                                        "callbacks.model_checkpoint.every_n_train_steps=1",
                                        "callbacks.model_checkpoint.save_top_k=3",
                                        "data.batch_size=2",
                                        "max_length=128",
                                        "model.optimizer.lr=1e-2",
                                        "--device",
                                        "cpu"};
    return std::make_unique<Process>(argv, std::map<std::string, std::string>{});
  }

  fs::path run_folder(const std::string& place) const { return at_ / place / "results/목소리"; }
  fs::path checkpoints(const std::string& place) const { return run_folder(place) / "checkpoints"; }

  bool writes_checkpoint(const std::string& place) const {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(checkpoints(place), error)) {
      if (entry.path().filename().string().starts_with(base::kTemporaryPrefix)) return true;
    }
    return false;
  }

  // Everything that is to be equal, the rows of metrics.jsonl without what tells of time.
  Files left(const std::string& place) const {
    Files files;
    for (const char* folder : {"checkpoints", "samples"}) {
      for (const auto& entry : fs::directory_iterator(run_folder(place) / folder)) {
        const fs::path& path = entry.path();
        files[path.filename()] =
            fs::is_symlink(path) ? "-> " + fs::read_symlink(path).string() : base::read_file(path);
      }
    }
    for (const auto& row : metrics_rows(run_folder(place) / "metrics.jsonl"))
      files["metrics.jsonl"] += row.dump() + "\n";
    return files;
  }

  void expect_left(const std::string& place, const Files& expected) const {
    const Files found = left(place);
    EXPECT_EQ(found.at("metrics.jsonl"), expected.at("metrics.jsonl"));
    for (const auto& [name, bytes] : expected) {
      ASSERT_TRUE(found.contains(name)) << name;
      EXPECT_TRUE(found.at(name) == bytes) << name;
    }
    EXPECT_EQ(found.size(), expected.size());
  }

  TempDir at_;
};

TEST_F(Killed, AtRandomMomentsEqualsUnbroken) {
  const auto begin = Clock::now();
  {
    const auto whole = start("whole");
    ASSERT_EQ(whole->wait(), 0) << whole->err();
  }
  const std::chrono::duration<double> time = Clock::now() - begin;

  const Files expected = left("whole");
  EXPECT_EQ(std::ranges::count(expected.at("metrics.jsonl"), '\n'), 40);
  EXPECT_TRUE(expected.contains("best.ckpt"));
  EXPECT_TRUE(expected.contains("step_000000040.wav"));

  base::PythonRandom random(7);
  int kills = 0, while_writing = 0;
  for (int i = 0; kills < kKills; ++i) {
    ASSERT_LT(i, 2 * kKills) << "most runs were done before they were killed";
    const auto broken = start("broken");
    const auto until =
        Clock::now() + std::chrono::duration_cast<Clock::duration>(time * random.random() / 3);
    // Half of them at any moment, from the start of the program on.
    while (i % 2 == 0 && Clock::now() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const auto patience = Clock::now() + 3 * time;
    while (i % 2 == 1 && !writes_checkpoint("broken") && Clock::now() < patience)
      std::this_thread::yield();
    broken->signal(SIGKILL);
    const int status = broken->wait();
    if (status == 0) {  // it came to its end, behind the kills before
      expect_left("broken", expected);
      fs::remove_all(at_ / "broken");
      continue;
    }
    ASSERT_EQ(status, 128 + SIGKILL) << broken->err();
    kills += 1;
    while_writing += writes_checkpoint("broken") ? 1 : 0;
  }
  EXPECT_GE(while_writing, 3);

  const auto again = start("broken");
  ASSERT_EQ(again->wait(), 0) << again->err();
  expect_left("broken", expected);
}

}  // namespace
}  // namespace koi::test
