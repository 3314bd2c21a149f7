#include "koi/train/memory.h"

#include <gtest/gtest.h>

#include "koi/lm/adapters.h"
#include "koi/tensor/memory_meter.h"
#include "tests/support/train_samples.h"

namespace koi::train {
namespace {

TEST(Memory, TheWorstBatchCounts) {
  const lm::DualAr model = test::small_model();
  const auto step = [&](const std::vector<dataset::RowSize>& rows, int64_t rows_per_batch) {
    return estimate_memory(model, {.rows = rows, .rows_per_batch = rows_per_batch}, {}).kept.step;
  };
  const dataset::RowSize small{.samples = {100}, .frames = 50},
      large{.samples = {300, 200}, .frames = 400};
  EXPECT_EQ(step({small, large, small}, 1), step({large}, 1));
  EXPECT_EQ(step({small, large}, 2), step({large, small}, 2));
  EXPECT_GT(step({large, large}, 2), step({small, large}, 2));
  EXPECT_EQ(step({large}, 2), step({large, large}, 2));  // the next epoch's
  const dataset::RowSize fewer_frames{.samples = {300, 200}, .frames = 100};
  EXPECT_EQ(estimate_memory(model, {.rows = {large}}, {.fast_frames = 0.25}).kept.step,
            step({fewer_frames}, 1));
}

// To the byte, what torch has in use; a process's memory is looked at in tests/processes.
TEST(Memory, OfAStepIsEstimatedWithin20Percent) {
  lm::ModelConfig config;
  config.vocab_size = 3000;
  config.dim = 128;
  config.n_head = 4;
  config.n_local_heads = 2;
  config.n_layer = 3;
  config.n_fast_layer = 2;
  config.num_codebooks = 3;
  const dataset::RowSize row{.samples = {130, 70}, .frames = 194};
  const Batch batch = test::packed({test::make_sample(1, 130), test::make_sample(2, 70)});
  struct Case {
    bool lora, tied;
    TrainerOptions options;
  };
  std::vector<Case> cases;
  for (const bool lora : {false, true}) {
    for (const bool recompute : {false, true}) {
      cases.push_back({lora, false, {.recompute = recompute}});
      cases.push_back({lora, true, {.recompute = recompute}});
      if (lora) cases.push_back({lora, false, {.recompute = recompute, .mixed_precision = true}});
      cases.push_back({lora, false, {.accumulate_batches = 2, .recompute = recompute}});
    }
  }
  for (const auto& [lora, tied, options] : cases) {
    config.tie_word_embeddings = tied;
    lm::DualAr model(config, test::kSemantic);
    lm::initialize(model, 1);
    if (lora) lm::add_lora(model, {}, 1);
    choose_trained(model, lora ? TrainedPart::adapters : TrainedPart::everything);
    const auto estimate = estimate_memory(model, {.rows = {row}}, options);
    Trainer trainer(model, {}, {}, options, tensor::make_generator(1));
    trainer.add_batch(batch);
    trainer.update();  // makes the optimizer's state
    const tensor::MemoryMeter meter;
    for (int64_t i = 0; i < options.accumulate_batches; ++i) trainer.add_batch(batch);
    trainer.update();
    const int64_t estimated = (options.recompute ? estimate.recomputed : estimate.kept).step;
    EXPECT_NEAR(static_cast<double>(estimated) / static_cast<double>(meter.peak_bytes()), 1, 0.2)
        << meter.peak_bytes() << " bytes, lora " << lora << ", tied " << tied << ", recompute "
        << options.recompute << ", mixed " << options.mixed_precision << ", batches "
        << options.accumulate_batches;
  }
}

TEST(Memory, MeasuringLeavesNoGradients) {
  lm::DualAr model = test::small_model();
  estimate_memory(model, {.rows = {{.samples = {100}, .frames = 50}}}, {});
  for (const Parameter& parameter : model_parameters(model)) {
    EXPECT_FALSE(parameter.value.grad().defined()) << parameter.name;
    EXPECT_TRUE(parameter.trained()) << parameter.name;
  }
}

// The logits of all rows would be 342 MiB, and as much again for each thing done with them. The
// pieces are 64 MiB each: logits, softmax and gradients of one.
TEST(Memory, LogitsAreNeverThereAsAWhole) {
  constexpr int64_t kVocab = 32000, kLength = 2800;
  constexpr int64_t kLimit = 4 * 4 * kLogitsAtOnce;
  static_assert(kLimit < 4 * kVocab * kLength);
  lm::DualAr model = test::small_model(kVocab);
  const Batch batch = test::make_sample(4, kLength);
  for (const bool recompute : {false, true}) {
    Trainer trainer(model, {}, {}, {.recompute = recompute}, tensor::make_generator(1));
    const tensor::MemoryMeter meter;
    trainer.add_batch(batch);
    EXPECT_LT(meter.peak_bytes(), kLimit);
    EXPECT_GT(meter.peak_bytes(), 4 * kLogitsAtOnce);
  }
  const Trainer trainer(model, {}, {}, {}, tensor::make_generator(1));
  const tensor::MemoryMeter meter;
  trainer.evaluate({batch});
  EXPECT_LT(meter.peak_bytes(), kLimit);
}

}  // namespace
}  // namespace koi::train
