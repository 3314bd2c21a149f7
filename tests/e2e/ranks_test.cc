// koi train in several processes: by trainer.devices and as torchrun starts them, resumed, killed.
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "koi/base/files.h"
#include "koi/base/random.h"
#include "koi/checkpoint/pth.h"
#include "koi/dataset/shard.h"
#include "tests/support/metrics_rows.h"
#include "tests/support/process.h"
#include "tests/support/run_program.h"

namespace koi::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using Words = std::vector<std::string>;

class Ranks : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(koi({"init", "base", "--preset", "tiny", "--seed", "1"}, at_.path()).status, 0);
    base::PythonRandom random(3);
    dataset::TextData speaker{.source = "folder", .name = "a", .sentences = {}};
    for (int i = 0; i < 8; ++i) {
      dataset::CodeRows rows(8);
      for (auto& row : rows)
        for (int t = 0; t < 10; ++t) row.push_back(static_cast<uint32_t>(random.below(3)));
      speaker.sentences.push_back({.texts = {"one two three"}, .codes = rows});
    }
    base::make_folder(at_ / "data");
    base::write_file(at_ / "data/0.protos", dataset::record_bytes(speaker));
  }

  Words command(const std::string& project, const Words& more = {}) const {
    Words words{KOI_BINARY_DIR "/koi",
                "train",
                "project=" + project,
                "paths.run_dir=" + (at_ / project).string(),
                "pretrained_ckpt_path=" + (at_ / "base").string(),
                "train_dataset.proto_files=[" + (at_ / "data").string() + "]",
                "val_dataset.proto_files=[" + (at_ / "data").string() + "]",
                "+lora@model.model.lora_config=r_8_alpha_16",
                "model.model.lora_config.lora_dropout=0.1",
                "trainer.max_steps=6",
                "trainer.val_check_interval=2",
                "trainer.limit_val_batches=1",
                "trainer.timeout_s=10",
                "data.batch_size=2",
                "max_length=128",
                "model.optimizer.lr=1e-2",
                "--device",
                "cpu"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  // The run's metrics but for the time they took.
  std::vector<json> rows(const std::string& project) const {
    return metrics_rows(at_ / project / "metrics.jsonl");
  }

  fs::path checkpoint(const std::string& project, size_t step) const {
    char name[32];
    std::snprintf(name, sizeof(name), "step_%09zu.ckpt", step);
    return at_ / project / "checkpoints" / name;
  }

  // The adapters after that step: names and bytes.
  std::map<std::string, std::string> adapters(const std::string& project, size_t step) const {
    std::map<std::string, std::string> result;
    for (const auto& [name, view] : checkpoint::load_state_dict(checkpoint(project, step)))
      result[name] = checkpoint::gather(view);
    EXPECT_FALSE(result.empty());
    return result;
  }

  TempDir at_;
};

TEST_F(Ranks, GoOnBitByBitWhereTheyStopped) {
  Process whole(command("whole", {"trainer.devices=2"}), {});
  ASSERT_EQ(whole.wait(), 0) << whole.err();
  EXPECT_THAT(whole.err(), HasSubstr("2 processes over gloo (nccl is for GPUs)"));
  EXPECT_EQ(std::ranges::count(whole.out(), '\n'), 1) << whole.out();
  ASSERT_EQ(rows("whole").size(), 6U);

  // Stopped after four of the steps; the others as torchrun would start them.
  Process begun(command("parts", {"trainer.devices=2", "trainer.max_steps=4"}), {});
  ASSERT_EQ(begun.wait(), 0) << begun.err();
  const std::string port = std::to_string(free_port());
  const auto rank = [&](const std::string& number) {
    return std::make_unique<Process>(
        command("parts"), std::map<std::string, std::string>{{"RANK", number},
                                                             {"LOCAL_RANK", number},
                                                             {"WORLD_SIZE", "2"},
                                                             {"LOCAL_WORLD_SIZE", "2"},
                                                             {"MASTER_ADDR", "127.0.0.1"},
                                                             {"MASTER_PORT", port}});
  };
  const auto first = rank("0"), second = rank("1");
  EXPECT_EQ(first->wait(), 0) << first->err();
  EXPECT_EQ(second->wait(), 0) << second->err();
  EXPECT_EQ(second->out() + second->err(), "");
  EXPECT_EQ(rows("parts"), rows("whole"));
  EXPECT_EQ(adapters("parts", 6), adapters("whole", 6));
}

TEST_F(Ranks, DrawSamplesOfTheirOwn) {
  ASSERT_EQ(run(command("one", {"trainer.max_steps=1"})).status, 0);
  ASSERT_EQ(run(command("two", {"trainer.max_steps=1", "trainer.devices=2"})).status, 0);
  EXPECT_GT(rows("two")[0].at("tokens"), rows("one")[0].at("tokens"));
  EXPECT_NE(rows("two")[0].at("loss"), rows("one")[0].at("loss"));
}

TEST_F(Ranks, AKilledOneLeavesARunThatGoesOn) {
  ASSERT_EQ(run(command("whole", {"trainer.devices=2", "trainer.max_steps=8"})).status, 0);
  const Words words = command("killed", {"trainer.devices=2", "trainer.max_steps=8"});
  {
    Process launcher(words, {});
    while (rows("killed").size() < 3) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    const auto children = launcher.children();
    ASSERT_EQ(children.size(), 2U);
    ::kill(children[1], SIGKILL);
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(launcher.wait(), 128 + SIGKILL);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
    EXPECT_THAT(launcher.err(), HasSubstr("the same command goes on from the last checkpoint"));
  }
  Process again(words, {});
  ASSERT_EQ(again.wait(), 0) << again.err();
  EXPECT_THAT(again.err(), HasSubstr("going on after step"));
  EXPECT_EQ(rows("killed"), rows("whole"));
  EXPECT_EQ(adapters("killed", 8), adapters("whole", 8));
}

TEST_F(Ranks, AStopIsTheStopOfAll) {
  Process launcher(command("stopped", {"trainer.devices=2", "trainer.max_steps=100000"}), {});
  while (rows("stopped").size() < 2) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  launcher.signal(SIGTERM);
  EXPECT_EQ(launcher.wait(), 128 + SIGTERM) << launcher.err();
  EXPECT_THAT(launcher.err(), HasSubstr("is saved; the same command goes on from there"));
  EXPECT_EQ(launcher.err().find("error"), std::string::npos) << launcher.err();
  EXPECT_TRUE(fs::exists(checkpoint("stopped", rows("stopped").size())));
}

TEST_F(Ranks, AnotherNumberOfProcessesGoesOnWithANote) {
  ASSERT_EQ(run(command("grown", {"trainer.max_steps=2"})).status, 0);
  const RunResult more = run(command("grown", {"trainer.max_steps=4", "trainer.devices=2"}));
  ASSERT_EQ(more.status, 0) << more.err;
  EXPECT_THAT(more.err, HasSubstr("going on after step 2"));
  EXPECT_THAT(more.err, HasSubstr("note: the run was of 1 processes and goes on with 2"));
  const RunResult fewer = run(command("grown"));
  ASSERT_EQ(fewer.status, 0) << fewer.err;
  EXPECT_THAT(fewer.err, HasSubstr("note: the run was of 2 processes and goes on with 1"));
  EXPECT_EQ(run(command("grown", {"trainer.max_steps=7"})).err.find("note: the run was"),
            std::string::npos);
  // What was learnt before stays: the loss goes on falling from where it was.
  const auto all = rows("grown");
  ASSERT_EQ(all.size(), 7U);
  EXPECT_LT(all[6].at("loss"), all[0].at("loss"));
}

TEST_F(Ranks, WhatDoesNotFitIsRefusedInOneLine) {
  const RunResult nodes = run(command("x", {"trainer.num_nodes=2"}));
  EXPECT_EQ(nodes.status, 1);
  EXPECT_THAT(nodes.err, HasSubstr("trainer.num_nodes: 2 machines are asked for"));
  Process rank(command("x"), {{"RANK", "2"}, {"WORLD_SIZE", "2"}});
  EXPECT_EQ(rank.wait(), 2);
  EXPECT_THAT(rank.err(), HasSubstr("RANK: 2 contradicts WORLD_SIZE, which is 2"));
}

}  // namespace
}  // namespace koi::test
