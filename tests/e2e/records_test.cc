// What koi train leaves for people to look at while it runs and afterwards.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "koi/base/files.h"
#include "koi/base/folder_lock.h"
#include "koi/base/random.h"
#include "koi/dataset/shard.h"
#include "tests/support/metrics_rows.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace koi::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Words = std::vector<std::string>;

class Records : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(koi({"init", "base", "--preset", "tiny", "--seed", "1"}, at_.path()).status, 0);
    base::PythonRandom random(3);
    dataset::TextData speaker{.source = "folder", .name = "a", .sentences = {}};
    for (int i = 0; i < 8; ++i) {
      dataset::CodeRows rows(8);
      for (auto& row : rows)
        for (int t = 0; t < 10; ++t) row.push_back(static_cast<uint32_t>(random.below(3)));
      speaker.sentences.push_back({.texts = {"one two " + std::to_string(i)}, .codes = rows});
    }
    base::make_folder(at_ / "data");
    base::write_file(at_ / "data/0.protos", dataset::record_bytes(speaker));
  }

  RunResult call(const Words& more) {
    Words words{"train",
                "project=목소리",
                "pretrained_ckpt_path=base",
                "train_dataset.proto_files=[data]",
                "val_dataset.proto_files=[data]",
                "+lora@model.model.lora_config=r_8_alpha_16",
                "trainer.val_check_interval=2",
                "data.held_out.least=2",
                "data.batch_size=2",
                "max_length=128",
                "--device",
                "cpu"};
    words.insert(words.end(), more.begin(), more.end());
    return koi(words, at_.path());
  }
  RunResult train(const Words& more) {
    RunResult result = call(more);
    EXPECT_EQ(result.status, 0) << result.err;
    return result;
  }

  TempDir at_;
  fs::path run_ = at_ / "results/목소리";
};

// All values of a key of metrics.jsonl, as TensorBoard has them.
json course(const std::vector<json>& rows, const std::string& key) {
  json values = json::array();
  for (const json& row : rows) {
    if (row.contains(key))
      values.push_back({row["step"], static_cast<double>(row[key].get<float>())});
  }
  return values;
}

TEST_F(Records, TheRealTensorBoardReadsTheEventsOfAResumedRun) {
  train({"trainer.max_steps=4", "trainer.val_before_train=true"});
  // As if it had been killed after step 3: steps 3 and 4 come again.
  fs::remove(run_ / "checkpoints/step_000000004.ckpt");
  train({"trainer.max_steps=6"});
  const RunResult read = run({"env", "PYTHONPATH=" KOI_ORACLES, "python3.11",
                              KOI_SOURCE_DIR "/tests/e2e/read_events.py", run_ / "tensorboard"});
  ASSERT_EQ(read.status, 0) << read.err << "run scripts/setup";
  const json scalars = json::parse(read.out);
  const auto rows = metrics_rows(run_ / "metrics.jsonl");
  ASSERT_EQ(rows.size(), 7U);
  for (const std::string name : {"loss", "base_loss", "semantic_loss", "top_5_accuracy"}) {
    EXPECT_EQ(scalars.at("train/" + name), course(rows, name)) << name;
    EXPECT_EQ(scalars.at("val/" + name), course(rows, "val_" + name)) << name;
  }
  for (const std::string name : {"lr", "grad_norm", "epoch"})
    EXPECT_EQ(scalars.at(name), course(rows, name)) << name;
  EXPECT_EQ(scalars.at("train/loss").size(), 6U);
  EXPECT_EQ(scalars.at("val/loss").size(), 4U);
  EXPECT_EQ(scalars.at("perf/gemm_share").size(), 6U);
}

TEST_F(Records, TwoRunsDoNotShareAFolder) {
  base::make_folder(run_);
  base::FolderLock lock;
  ASSERT_TRUE(lock.try_lock(run_));
  for (const char* devices : {"trainer.devices=1", "trainer.devices=2"}) {
    const RunResult second = call({"trainer.max_steps=1", devices});
    EXPECT_NE(second.status, 0);
    EXPECT_THAT(second.err, testing::HasSubstr("results/목소리: another run is at work in it"));
  }
  EXPECT_TRUE(fs::is_empty(run_));
}

TEST_F(Records, WithoutALoggerThereAreNoEvents) {
  train({"trainer.max_steps=1", "logger=null"});
  EXPECT_TRUE(fs::exists(run_ / "metrics.jsonl"));
  EXPECT_FALSE(fs::exists(run_ / "tensorboard"));
}

TEST_F(Records, EveryValidationIsALineAndTheReportIsNamed) {
  const std::string said = train({"trainer.max_steps=4"}).err;
  EXPECT_THAT(said, testing::ContainsRegex("train 2/4 epoch 2.00 loss [0-9.]+ val "
                                           "[0-9.]+±[0-9.]+ lr 1.0e-05 [0-9]+ tok/s [0-9]+% peak "
                                           "0[.][0-9] GiB 0:[0-9]+ left\n"));
  EXPECT_THAT(said, testing::HasSubstr("train 4/4 "));
  EXPECT_THAT(said, testing::HasSubstr("report: results/목소리/report.html\n"));
  const std::string html = base::read_file(run_ / "report.html");
  EXPECT_THAT(html, testing::HasSubstr("<title>목소리</title>"));
  EXPECT_THAT(html, testing::HasSubstr("data: 6 sentences of 1 speaker"));
  EXPECT_THAT(html, testing::HasSubstr("trainer.max_steps=4"));
  EXPECT_THAT(html, testing::ContainsRegex("koi merge-lora --base-weight base --lora-weight "
                                           "results/목소리/checkpoints/step_00000000[24].ckpt "
                                           "--output results/목소리/merged"));
}

}  // namespace
}  // namespace koi::test
