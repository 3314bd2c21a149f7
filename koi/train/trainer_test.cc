#include "koi/train/trainer.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"
#include "koi/checkpoint/pth.h"
#include "koi/lm/adapters.h"
#include "koi/lm/checkpoint.h"
#include "koi/tensor/random.h"
#include "koi/train/checkpoint_files.h"
#include "koi/train/run_checkpoint.h"
#include "tests/support/temp_dir.h"
#include "tests/support/train_samples.h"

namespace koi::train {
namespace {

using testing::HasSubstr;

constexpr int64_t kSemantic = 5;

lm::DualAr tiny_model(uint64_t seed = 1) {
  lm::ModelConfig config;
  config.vocab_size = 32;
  config.n_layer = 2;
  config.n_head = 2;
  config.n_local_heads = 1;
  config.dim = 16;
  config.intermediate_size = 24;
  config.max_seq_len = 32;
  config.codebook_size = 12;
  config.num_codebooks = 3;
  config.n_fast_layer = 1;
  config.dropout = 0.1;
  config.tie_word_embeddings = false;
  lm::DualAr model(config, kSemantic);
  lm::initialize(model, seed);
  return model;
}

lm::DualAr tiny_lora(uint64_t seed = 1) {
  lm::DualAr model = tiny_model(seed);
  lm::add_lora(model, {.r = 2, .alpha = 4, .dropout = 0.2}, seed);
  choose_trained(model, TrainedPart::adapters);
  return model;
}

Batch random_batch(uint64_t seed) {
  auto generator = tensor::make_generator(seed);
  const auto codes = at::randint(1, 12, {2, 3, 10}, generator, at::kLong);
  const auto ids = at::full({2, 1, 10}, kSemantic, at::kLong);
  Batch batch;
  batch.tokens = at::cat({ids, codes}, 1);
  batch.labels = batch.tokens.roll(-1, 2);
  batch.padding = at::zeros({2, 10}, at::kBool);
  return batch;
}

constexpr AdamWOptions kFast{.lr = 1e-2};
const Schedule kNoWarmup{.warmup_steps = 0};

void do_steps(Trainer& trainer, int count) {
  for (int i = 0; i < count; ++i) {
    trainer.add_batch(random_batch(static_cast<uint64_t>(trainer.step())));
    trainer.update();
  }
}

std::vector<at::Tensor> values_of(const Trainer& trainer) {
  std::vector<at::Tensor> values;
  for (const Parameter& parameter : trainer.parameters())
    values.push_back(parameter.value.detach().clone());
  return values;
}

TEST(Trainer, LearnsABatch) {
  lm::DualAr model = tiny_lora();
  Trainer trainer(model, kFast, kNoWarmup, {}, tensor::make_generator(1));
  const std::vector<Batch> batches{random_batch(3)};
  const double before = trainer.evaluate(batches).loss;
  for (int i = 0; i < 20; ++i) {
    trainer.add_batch(batches[0]);
    trainer.update();
  }
  EXPECT_LT(trainer.evaluate(batches).loss, before);
}

TEST(Trainer, FrozenWeightsStayAsTheyAre) {
  lm::DualAr model = tiny_lora();
  Trainer trainer(model, kFast, kNoWarmup, {}, tensor::make_generator(1));
  const auto before = values_of(trainer);
  do_steps(trainer, 2);
  const auto after = values_of(trainer);
  for (size_t i = 0; i < before.size(); ++i) {
    const Parameter& parameter = trainer.parameters()[i];
    EXPECT_EQ(parameter.is_adapter(), parameter.trained()) << parameter.name;
    if (!parameter.is_adapter()) {
      EXPECT_TRUE(before[i].equal(after[i])) << parameter.name;
    }
  }
}

// A run that is saved and loaded into a fresh model goes on bit by bit as the unbroken one.
TEST(Trainer, ResumesExactly) {
  const test::TempDir folder;
  lm::DualAr whole_model = tiny_lora();
  Trainer whole(whole_model, kFast, kNoWarmup, {}, tensor::make_generator(1));
  do_steps(whole, 3);
  const auto path = folder / "step_000000003.ckpt";
  save_run_checkpoint(path, whole, {.data = dataset::EpochPosition{2, 3}, .best = {}}, 1);
  do_steps(whole, 3);

  lm::DualAr other_model = tiny_lora();
  other_model.visit_lora([](const std::string&, at::Tensor& value) {
    const at::NoGradGuard no_grad;
    value.normal_();
  });
  Trainer other(other_model, kFast, kNoWarmup, {}, tensor::make_generator(99));
  const auto place = load_run_checkpoint(path, other, ResumePart::everything);
  ASSERT_TRUE(place.has_value());
  EXPECT_EQ(std::get<dataset::EpochPosition>(place->data), (dataset::EpochPosition{2, 3}));
  EXPECT_EQ(other.step(), 3);
  do_steps(other, 3);
  const auto expected = values_of(whole), found = values_of(other);
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_TRUE(found[i].equal(expected[i])) << whole.parameters()[i].name;
}

TEST(Trainer, ThePositionIsKeptExactly) {
  const test::TempDir folder;
  lm::DualAr model = tiny_lora();
  Trainer trainer(model, kFast, kNoWarmup, {}, tensor::make_generator(1));
  const BestStep best{.step = 4, .val_loss = 1.5, .worse_since = 2};
  const dataset::BatchSourceState drawn{
      .samplers = {{base::PythonRandom(1).state(), base::TorchRandom(2).state()}}, .batches = 7};
  for (const DataPlace& place : {DataPlace(drawn), DataPlace(dataset::EpochPosition{5, 6})}) {
    save_run_checkpoint(folder / "step_1.ckpt", trainer, {.data = place, .best = best}, 1);
    const auto found = load_run_checkpoint(folder / "step_1.ckpt", trainer, ResumePart::everything);
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->data, place);
    EXPECT_EQ(found->best, best);
  }
}

std::string error_of(const base::fs::path& path, Trainer& trainer) {
  try {
    load_run_checkpoint(path, trainer, ResumePart::everything);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Trainer, CheckpointsOfOtherRunsAreRefused) {
  const test::TempDir folder;
  lm::DualAr model = tiny_lora();
  Trainer trainer(model, kFast, kNoWarmup, {}, tensor::make_generator(1));
  do_steps(trainer, 1);
  const auto path = folder / "step_1.ckpt";
  save_run_checkpoint(path, trainer, {}, 1);

  lm::DualAr other_rank = tiny_model();
  lm::add_lora(other_rank, {.r = 3, .alpha = 4, .dropout = 0}, 1);
  choose_trained(other_rank, TrainedPart::adapters);
  Trainer wider(other_rank, kFast, kNoWarmup, {}, tensor::make_generator(1));
  EXPECT_THAT(error_of(path, wider), HasSubstr("has the shape [2, 32], this run's is [3, 32]"));

  lm::DualAr full_model = tiny_model();
  choose_trained(full_model, TrainedPart::everything);
  Trainer full(full_model, kFast, kNoWarmup, {}, tensor::make_generator(1));
  EXPECT_THAT(error_of(path, full), HasSubstr("lacks embeddings.weight"));

  const auto whole = folder / "step_2.ckpt";
  save_run_checkpoint(whole, full, {}, 1);
  EXPECT_THAT(error_of(whole, trainer), HasSubstr("lacks embeddings.lora_A"));
  checkpoint::save_pth(folder / "step_3.ckpt", checkpoint::Value::dict());
  EXPECT_THAT(error_of(folder / "step_3.ckpt", trainer), HasSubstr("has no state_dict"));
  base::write_file(folder / "step_4.ckpt", "no zip");
  EXPECT_THROW(load_run_checkpoint(folder / "step_4.ckpt", trainer, ResumePart::everything), Error);
}

TEST(Trainer, AdaptersOfAnotherBaseAreRefused) {
  const test::TempDir folder;
  lm::DualAr model = tiny_lora();
  Trainer trainer(model, kFast, kNoWarmup, {}, tensor::make_generator(1));
  const auto path = folder / "step_1.ckpt";
  const lm::AdapterInfo adapter{.lora = {.r = 2, .alpha = 4, .dropout = 0.2},
                                .base = {.path = "base", .weights_hash = "abc"},
                                .koi_version = "1"};
  save_run_checkpoint(path, trainer, {}, 1, adapter);
  for (const ResumePart part : {ResumePart::everything, ResumePart::weights_only}) {
    const auto loading = [&](const lm::AdapterInfo& run) -> std::string {
      try {
        load_run_checkpoint(path, trainer, part, run);
      } catch (const Error& error) {
        return error.what();
      }
      return "no error";
    };
    EXPECT_EQ(loading(adapter), "no error");
    lm::AdapterInfo other = adapter;
    other.base.weights_hash = "def";
    EXPECT_THAT(loading(other), HasSubstr("was trained on another base"));
    other = adapter;
    other.lora.alpha = 5;
    EXPECT_THAT(loading(other), HasSubstr("was trained with r 2, lora_alpha 4"));
    other.lora = adapter.lora;
    other.lora.dropout = 0;
    EXPECT_EQ(loading(other), "no error");
  }
}

TEST(Checkpoints, NewestAreKeptAndOthersLeftAlone) {
  const test::TempDir folder;
  for (const int64_t step : {2, 10, 9, 1000000000}) {
    base::write_file(checkpoint_path(folder.path(), step), "x");
  }
  base::write_file(folder / "last.ckpt", "x");
  base::write_file(folder / "step_x.ckpt", "x");
  EXPECT_EQ(list_checkpoints(folder.path()).back().filename(), "step_1000000000.ckpt");
  prune_checkpoints(folder.path(), {.newest = -1});
  EXPECT_EQ(list_checkpoints(folder.path()).size(), 4u);
  prune_checkpoints(folder.path(), {.newest = 2});
  const auto left = list_checkpoints(folder.path());
  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(left[0].filename(), "step_000000010.ckpt");
  EXPECT_TRUE(base::fs::exists(folder / "last.ckpt"));
  EXPECT_TRUE(base::fs::exists(folder / "step_x.ckpt"));
  EXPECT_TRUE(list_checkpoints(folder / "absent").empty());
}

TEST(Checkpoints, WhatAStopHasMadeGoesAndTheBestStays) {
  const test::TempDir folder;
  for (const int64_t step : {10, 17, 20, 30, 33}) {
    base::write_file(checkpoint_path(folder.path(), step), std::to_string(step));
  }
  link_best(folder.path(), 10);
  prune_checkpoints(folder.path(), {.newest = 2, .interval = 10, .best = 10});
  std::vector<std::string> left;
  for (const auto& path : list_checkpoints(folder.path())) left.push_back(base::read_file(path));
  EXPECT_THAT(left, testing::ElementsAre("10", "30", "33"));  // the newest was made by a stop
  EXPECT_EQ(base::read_file(folder / "best.ckpt"), "10");
  link_best(folder.path(), 30);
  EXPECT_EQ(base::read_file(folder / "best.ckpt"), "30");
  link_best(folder.path(), 31);  // not there
  EXPECT_FALSE(base::fs::exists(folder / "best.ckpt"));
}

TEST(Trainer, ALossThatIsNoNumberEndsTheRun) {
  lm::DualAr model = tiny_lora();
  Trainer trainer(model, kFast, kNoWarmup, {}, tensor::make_generator(1));
  {
    const at::NoGradGuard no_grad;
    model.norm.fill_(std::numeric_limits<float>::quiet_NaN());
  }
  EXPECT_THROW(trainer.add_batch(random_batch(1)), Error);
}

// The codes' losses of some steps at a rate of 0, each once: nothing is learnt between them.
std::set<double> losses_at_rest(const TrainerOptions& options, int steps) {
  lm::DualAr model = test::small_model();
  Trainer trainer(model, {.lr = 0}, {}, options, tensor::make_generator(1));
  std::set<double> losses;
  for (int step = 0; step < steps; ++step) {
    losses.insert(trainer.add_batch(test::make_sample(1, 40)).losses.semantic_loss);
    trainer.update();
  }
  return losses;
}

TEST(Trainer, EachStepLearnsTheCodesOfOtherFrames) {
  EXPECT_EQ(losses_at_rest({.fast_frames = 1}, 8).size(), 1U);
  EXPECT_EQ(losses_at_rest({.fast_frames = 0.25}, 8).size(), 4U);  // all quarters
}

TEST(Trainer, CodeNoiseIsAnotherInEachStepAndInTrainingOnly) {
  const std::set<double> clean = losses_at_rest({}, 4);
  ASSERT_EQ(clean.size(), 1U);
  std::set<double> losses = losses_at_rest({.code_noise = 0.3}, 4);
  losses.insert(*clean.begin());
  EXPECT_EQ(losses.size(), 5U);

  lm::DualAr model = test::small_model();
  const Batch batch = test::make_sample(1, 40);
  const Trainer trainer(model, {.lr = 0}, {}, {.code_noise = 0.3}, tensor::make_generator(1));
  EXPECT_EQ(trainer.evaluate(batch, count_labels(batch)).semantic_loss, *clean.begin());
}

TEST(Trainer, AlignmentsCountInTrainingOnly) {
  lm::DualAr model = test::small_model();
  Batch batch = test::make_sample(1, 40);
  batch.labels[0][0][39] = 31;  // the end, no token of a text
  batch.alignment = at::full({40}, 7, at::kLong);
  Trainer trainer(model, {.lr = 0}, {}, {.alignment_weight = 0.5}, tensor::make_generator(1));
  const LossValues losses = trainer.add_batch(batch).losses;
  EXPECT_GT(losses.alignment_loss, 0.1);
  EXPECT_NEAR(losses.loss, losses.base_loss + losses.semantic_loss + 0.5 * losses.alignment_loss,
              1e-5);
  EXPECT_EQ(trainer.evaluate({batch}).alignment_loss, 0);
}

}  // namespace
}  // namespace koi::train
