// Whole runs on the golden model, over shards that are made here: what a run leaves in its folder,
// that it learns, and that a run which is stopped after every step equals an unbroken one bit by
// bit.
#include <gmock/gmock.h>

#include <csignal>

#include "koi/base/interrupt.h"
#include "koi/base/random.h"
#include "koi/dataset/shard.h"
#include "koi/train/checkpoint_files.h"
#include "koi/train/run.h"
#include "koi/train/run_checkpoint.h"
#include "koi/train/run_folder.h"
#include "tests/parity/train_goldens.h"
#include "tests/support/metrics_rows.h"
#include "tests/support/temp_dir.h"

namespace koi::test {
namespace {

// Sentences that repeat the same few codes, which is easy to learn.
void write_shard(const std::filesystem::path& path, const lm::ModelConfig& config) {
  base::PythonRandom random(3);
  dataset::TextData speaker{.source = "folder", .name = "speaker", .sentences = {}};
  for (int i = 0; i < 12; ++i) {
    dataset::CodeRows rows(static_cast<size_t>(config.num_codebooks));
    for (auto& row : rows) {
      for (int t = 0; t < 6; ++t) row.push_back(static_cast<uint32_t>(random.below(3)));
    }
    speaker.sentences.push_back({.texts = {"one two " + std::to_string(i)}, .codes = rows});
  }
  base::write_file(path, dataset::record_bytes(speaker));
}

train::Settings make_settings(const TempDir& folder, const std::string& run) {
  train::Settings settings;
  settings.run_folder = folder / run;
  settings.checkpoint_folder = settings.run_folder / "checkpoints";
  settings.base_model = golden("lm/tiny");
  settings.tokenizer = golden("lm/tiny");
  settings.max_length = 64;
  settings.lora = lm::LoraConfig{.r = 4, .alpha = 8, .dropout = 0.1};
  settings.precision = train::Precision::float32;
  settings.train_data.datasets = {{.proto_files = {folder / "data"}, .max_length = 64}};
  settings.val_data = settings.train_data;
  settings.batch_size = 2;
  settings.optimizer.lr = 1e-2;
  settings.schedule.warmup_steps = 2;
  settings.max_steps = 6;
  settings.val_interval = 4;
  settings.val_batches = 2;
  settings.val_before_train = true;
  settings.save_interval = 2;
  settings.save_top_k = 2;
  base::make_folder(folder / "data");
  write_shard(folder / "data/0.protos", lm::read_config(golden("lm/tiny/config.json")));
  return settings;
}

std::vector<json> rows_of(const train::Settings& settings) {
  return metrics_rows(settings.run_folder / "metrics.jsonl");
}

TEST(TrainRun, LeavesMetricsAndTheNewestCheckpoints) {
  if (!have_model()) return;
  const TempDir folder;
  const train::Settings settings = make_settings(folder, "run");
  std::vector<int64_t> steps;
  const train::RunEvents events{
      .step = [&](const train::Metrics& row) { steps.push_back(row.step); }};
  const auto result = train::run(settings, at::kCPU, events);
  EXPECT_EQ(result.steps, 6);
  EXPECT_FALSE(result.stopped);
  EXPECT_EQ(result.checkpoint.filename(), "step_000000006.ckpt");
  // The two newest, and the best.
  const auto kept = train::list_checkpoints(settings.checkpoint_folder);
  EXPECT_THAT(kept.size(), testing::AnyOf(2u, 3u));
  EXPECT_EQ(base::fs::read_symlink(settings.checkpoint_folder / "best.ckpt"),
            train::checkpoint_path("", result.best.step));
  EXPECT_THAT(steps, testing::ElementsAre(0, 1, 2, 3, 4, 5, 6));

  const auto rows = rows_of(settings);
  ASSERT_EQ(rows.size(), 7u);
  for (const size_t validated : {0, 4, 6}) EXPECT_TRUE(rows[validated].contains("val_loss"));
  EXPECT_FALSE(rows[1].contains("val_loss"));
  EXPECT_EQ(rows[1].at("lr"), 0);
  EXPECT_GT(rows[1].at("tokens").get<int64_t>(), 0);
  EXPECT_GT(rows[1].at("epoch").get<double>(), 0);
  EXPECT_NEAR(rows[2].at("epoch").get<double>(), 2 * rows[1].at("epoch").get<double>(), 1e-12);
  for (const train::Metrics& row : train::read_metrics(settings.run_folder / "metrics.jsonl")) {
    if (row.step == 0) continue;
    EXPECT_GT(row.flops_per_s, 0);
    EXPECT_GT(row.gemm_share, 0);
    EXPECT_LT(row.gemm_share, 1);
    EXPECT_GT(row.memory.resident_bytes, int64_t{10} << 20);
    EXPECT_GE(row.memory.peak_bytes, row.memory.resident_bytes);
    EXPECT_EQ(row.time_left_s == 0, row.step == 6);
  }
  EXPECT_LT(rows[6].at("val_loss").get<double>(), rows[0].at("val_loss").get<double>());
  // Before the first update the validation batches give the same loss whenever they are drawn.
  train::Settings again = make_settings(folder, "again");
  again.max_steps = 1;
  train::run(again, at::kCPU, {});
  EXPECT_EQ(rows_of(again)[0], rows[0]);
}

TEST(TrainRun, AFinishedRunHasNothingToDo) {
  if (!have_model()) return;
  const TempDir folder;
  train::Settings settings = make_settings(folder, "run");
  settings.max_steps = 2;
  settings.num_workers = 0;  // of reference sampling only
  train::run(settings, at::kCPU, {});
  const auto before = rows_of(settings);
  const auto report = settings.run_folder / "report.html";
  base::fs::remove(report);  // as if it had been killed before
  std::string notes;
  train::run(settings, at::kCPU, {.note = [&](const std::string& line) { notes += line; }});
  EXPECT_THAT(notes, testing::HasSubstr("training on cpu in 32-true"));
  EXPECT_THAT(notes, testing::HasSubstr("memory: a step needs about 0."));
  EXPECT_THAT(notes, testing::HasSubstr("nothing to do"));
  EXPECT_EQ(rows_of(settings), before);
  EXPECT_THAT(base::read_file(report), testing::HasSubstr("checkpoints/step_000000002.ckpt"));
}

TEST(TrainRun, ASentenceIsSpokenAtEachValidation) {
  if (!have_model()) return;
  const TempDir folder;
  train::Settings settings = make_settings(folder, "run");
  std::vector<train::SampleRequest> spoken;
  std::string notes;
  const train::RunEvents events{.note = [&](const std::string& line) { notes += line + "\n"; },
                                .speak =
                                    [&](const train::SampleRequest& request) {
                                      spoken.push_back(request);
                                      base::write_file(request.wav, "sound");
                                    }};
  train::run(settings, at::kCPU, events);
  ASSERT_EQ(spoken.size(), 3u);
  const auto name = [](int64_t step) { return train::sample_path("", step).filename(); };
  EXPECT_EQ(spoken[0].wav, settings.run_folder / "samples" / name(0));
  EXPECT_EQ(spoken[1].wav.filename(), name(4));
  EXPECT_EQ(spoken[2].wav.filename(), name(6));
  for (const auto& request : spoken) {
    EXPECT_THAT(request.text, testing::StartsWith("one two"));
    EXPECT_EQ(request.text, spoken[0].text);
    EXPECT_EQ(request.max_frames, 2 * 6);  // of a recording of six frames
  }

  // A run that was killed before it had spoken speaks when it is called again, and only then.
  spoken.clear();
  train::run(settings, at::kCPU, events);
  EXPECT_TRUE(spoken.empty());
  base::fs::remove(settings.run_folder / "samples" / name(6));
  train::run(settings, at::kCPU, events);
  ASSERT_EQ(spoken.size(), 1u);
  EXPECT_EQ(spoken[0].wav.filename(), name(6));

  // What cannot be spoken is said once, and the run goes on.
  settings = make_settings(folder, "mute");
  settings.samples.text = "다른 문장";
  train::RunEvents mute = events;
  int64_t tries = 0;
  mute.speak = [&](const train::SampleRequest& request) {
    EXPECT_EQ(request.text, "다른 문장");
    ++tries;
    throw std::runtime_error("out of memory\nframe #0: ...");  // as torch says it
  };
  EXPECT_EQ(train::run(settings, at::kCPU, mute).steps, 6);
  EXPECT_EQ(tries, 1);
  EXPECT_THAT(notes, testing::HasSubstr("note: no samples are spoken: out of memory\n"));
}

TEST(TrainRun, FullFineTuningSavesAllWeights) {
  if (!have_model()) return;
  const TempDir folder;
  train::Settings settings = make_settings(folder, "run");
  settings.lora.reset();
  settings.max_steps = 1;
  settings.recompute = train::Recompute::always;
  const auto result = train::run(settings, at::kCPU, {});
  const auto weights = checkpoint::load_state_dict(golden("lm/tiny/model.pth"));
  const auto saved = checkpoint::to_state_dict(
      *checkpoint::load_pth(result.checkpoint).find("state_dict"), "saved");
  EXPECT_EQ(saved.size(), weights.size());
}

TEST(TrainRun, WeightsOfAnotherRunAreAStart) {
  if (!have_model()) return;
  const TempDir folder;
  train::Settings first = make_settings(folder, "first");
  const auto done = train::run(first, at::kCPU, {});
  train::Settings second = make_settings(folder, "second");
  second.resume_from = done.checkpoint;
  second.resume_weights_only = true;
  second.max_steps = 1;
  train::run(second, at::kCPU, {});
  EXPECT_NEAR(rows_of(second)[0].at("val_loss").get<double>(),
              rows_of(first)[6].at("val_loss").get<double>(), 1e-6);
}

TEST(TrainRun, BadRunsAreRefused) {
  if (!have_model()) return;
  const TempDir folder;
  train::Settings settings = make_settings(folder, "run");
  settings.base_model = folder / "absent";
  EXPECT_THROW(train::run(settings, at::kCPU, {}), Error);
  settings = make_settings(folder, "run");
  settings.train_data.datasets[0].proto_files = {folder / "empty"};
  EXPECT_THROW(train::run(settings, at::kCPU, {}), Error);
  base::make_folder(folder / "empty");
  EXPECT_THROW(train::run(settings, at::kCPU, {}), Error);
  EXPECT_FALSE(std::filesystem::exists(settings.run_folder));
}

TEST(TrainRun, EndsEarlyWhereValidationNoLongerImproves) {
  KOI_REQUIRE_GOLDEN("lm/tiny/model.pth");
  const TempDir folder;
  train::Settings settings = make_settings(folder, "run");
  settings.val_interval = 1;
  settings.patience = 2;
  settings.max_steps = 200;
  settings.optimizer.lr = 0;  // the first validation remains the best
  const auto result = train::run(settings, at::kCPU, {});
  EXPECT_TRUE(result.ended_early);
  EXPECT_EQ(result.steps, 3);
  EXPECT_EQ(result.checkpoint.filename(), "step_000000003.ckpt");  // between two regular ones
  EXPECT_EQ(result.best.step, 1);
  EXPECT_TRUE(base::fs::exists(settings.checkpoint_folder / "best.ckpt"));
  const auto again = train::run(settings, at::kCPU, {});
  EXPECT_EQ(again.steps, 3);
}

// Drawn as the reference draws, too, a run goes on from its checkpoint, and not with other draws.
TEST(TrainRun, TheSamplerStaysWhatItWas) {
  KOI_REQUIRE_GOLDEN("lm/tiny/model.pth");
  const TempDir folder;
  train::Settings settings = make_settings(folder, "run");
  settings.reference_sampling = true;
  settings.loss_reduction = train::LossReduction::reference;
  settings.max_steps = 2;
  EXPECT_EQ(train::run(settings, at::kCPU, {}).steps, 2);
  EXPECT_EQ(rows_of(settings).size(), 3u);
  settings.max_steps = 4;
  settings.reference_sampling = false;
  EXPECT_THROW(train::run(settings, at::kCPU, {}), Error);
  settings.reference_sampling = true;
  EXPECT_EQ(train::run(settings, at::kCPU, {}).steps, 4);
}

// The last test of this program: from its middle on it is asked to stop.
TEST(TrainRunStopped, StoppedAfterEveryStepEqualsUnbroken) {
  if (!have_model()) return;
  const TempDir folder;
  const train::Settings unbroken = make_settings(folder, "unbroken");
  const auto whole = train::run(unbroken, at::kCPU, {});

  // A sample that is cut short is spoken by the next call, by the same weights.
  base::catch_interrupts();
  const train::Settings cut = make_settings(folder, "cut");
  const train::RunEvents speaks{.speak = [&](const train::SampleRequest& request) {
    if (request.wav.filename() == train::sample_path("", 4).filename() && !base::stop_requested()) {
      ASSERT_EQ(std::raise(SIGTERM), 0);
      throw base::Interrupted("sample", "was stopped", "");
    }
    base::write_file(request.wav, "sound");
  }};
  EXPECT_EQ(train::run(cut, at::kCPU, speaks).steps, 4);
  EXPECT_FALSE(base::fs::exists(train::sample_path(cut.run_folder, 4)));
  EXPECT_EQ(train::run(cut, at::kCPU, speaks).steps, 5);
  EXPECT_TRUE(base::fs::exists(train::sample_path(cut.run_folder, 4)));

  const train::Settings stopped = make_settings(folder, "stopped");
  train::RunResult last;
  int64_t runs = 0;
  do {
    last = train::run(stopped, at::kCPU, {});
    EXPECT_EQ(last.steps, ++runs);
  } while (last.stopped && runs < stopped.max_steps);
  EXPECT_EQ(runs, stopped.max_steps);
  EXPECT_FALSE(last.stopped);

  // What the stops have saved between is gone.
  const auto names = [](const train::Settings& run) {
    std::vector<std::string> all;
    for (const auto& path : train::list_checkpoints(run.checkpoint_folder))
      all.push_back(path.filename());
    return all;
  };
  EXPECT_EQ(names(stopped), names(unbroken));
  EXPECT_EQ(last.best, whole.best);
  // A validation comes at the same steps, for it depends on the step alone.
  EXPECT_EQ(rows_of(stopped), rows_of(unbroken));
  const auto expected = checkpoint::load_state_dict(whole.checkpoint);
  const auto found = checkpoint::load_state_dict(last.checkpoint);
  ASSERT_EQ(found.size(), expected.size());
  for (const auto& [name, view] : expected)
    EXPECT_TRUE(checkpoint::find(found, name)->bytes() == view.bytes()) << name;
}

}  // namespace
}  // namespace koi::test
