#include "koi/train/run_model.h"

#include <gtest/gtest.h>

#include "koi/dataset/shard.h"
#include "koi/text/byte_tokenizer.h"
#include "tests/support/temp_dir.h"
#include "tests/support/train_samples.h"

namespace koi::train {
namespace {

// What a step is told by the settings comes to it.
TEST(TrainerOptions, AreThoseOfTheSettings) {
  const test::TempDir at;
  dataset::TextData speaker{"folder", "화자", {}};
  for (uint32_t i = 0; i < 8; ++i)
    speaker.sentences.push_back(
        {{"sentence " + std::to_string(i)}, dataset::CodeRows(3, std::vector<uint32_t>(5, i))});
  base::write_file(at / "0.protos", dataset::record_bytes(speaker));
  text::write_byte_tokenizer(at.path());
  Settings settings;
  settings.max_length = 64;
  settings.train_data.datasets = {{.proto_files = {at.path().string()}, .max_length = 64}};
  settings.val_data = settings.train_data;
  settings.accumulate_batches = 3;
  settings.clip_norm = 0.5;
  settings.grad_norm_type = 1;
  settings.alignment_weight = 0.25;
  settings.code_noise = 0.125;
  settings.fast_frames = 0.75;
  const RunData data(settings, text::Tokenizer::load(at.path()), 3, Ranks{});

  const TrainerOptions options = trainer_options(settings, test::small_model(), data, {});
  EXPECT_EQ(options.accumulate_batches, 3);
  EXPECT_EQ(options.clip_norm, 0.5);
  EXPECT_EQ(options.grad_norm_type, 1);
  EXPECT_EQ(options.alignment_weight, 0.25);
  EXPECT_EQ(options.code_noise, 0.125);
  EXPECT_EQ(options.fast_frames, 0.75);
  EXPECT_FALSE(options.mixed_precision);
}

}  // namespace
}  // namespace koi::train
