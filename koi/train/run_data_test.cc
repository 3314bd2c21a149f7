#include "koi/train/run_data.h"

#include <gtest/gtest.h>

#include "koi/dataset/shard.h"
#include "koi/text/byte_tokenizer.h"
#include "tests/support/temp_dir.h"

namespace koi::train {
namespace {

class RunDataTest : public testing::TestWithParam<bool> {
 protected:
  RunDataTest() {
    dataset::TextData speaker{"folder", "화자", {}};
    for (uint32_t i = 0; i < 24; ++i) {
      const std::vector<uint32_t> frames(4 + i % 5, i);
      speaker.sentences.push_back(
          {{"sentence " + std::to_string(i)}, dataset::CodeRows(3, frames)});
    }
    base::write_file(at_ / "0.protos", dataset::record_bytes(speaker));
    text::write_byte_tokenizer(at_.path());
    settings_.max_length = 64;
    settings_.batch_size = 2;
    settings_.accumulate_batches = 2;
    settings_.reference_sampling = GetParam();
    settings_.train_data.datasets = {{.proto_files = {at_.path().string()}, .max_length = 64}};
    settings_.val_data = settings_.train_data;
  }

  std::unique_ptr<RunData> make() const {
    return std::make_unique<RunData>(settings_, text::Tokenizer::load(at_.path()), 3, Ranks{});
  }

  const test::TempDir at_;
  Settings settings_;
};

void expect_same(const std::vector<Batch>& a, const std::vector<Batch>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(at::equal(a[i].tokens, b[i].tokens)) << i;
}

// Whatever is drawn ahead, the place is behind what was given out.
TEST_P(RunDataTest, GoesOnBehindWhatWasGivenOut) {
  const auto whole = make();
  std::vector<DataPlace> places{whole->place()};
  std::vector<std::optional<double>> epochs{whole->epoch()};
  std::vector<std::vector<Batch>> steps;
  for (int i = 0; i < 5; ++i) {
    steps.push_back(whole->next_step());
    ASSERT_EQ(steps.back().size(), 2U);
    places.push_back(whole->place());
    epochs.push_back(whole->epoch());
  }
  EXPECT_NE(places[1], places[0]);
  for (const size_t cut : {0U, 1U, 4U}) {
    const auto rest = make();
    if (cut == 1) rest->next_step();  // what is drawn ahead by now is given up
    rest->restore(places[cut]);
    EXPECT_EQ(rest->place(), places[cut]);
    EXPECT_EQ(rest->epoch(), epochs[cut]);
    for (size_t i = cut; i < steps.size(); ++i) {
      expect_same(rest->next_step(), steps[i]);
      EXPECT_EQ(rest->place(), places[i + 1]);
    }
  }
}

// What the settings say of samples is what steps and validations get.
TEST_P(RunDataTest, SamplesAreAsTheSettingsSay) {
  settings_.max_length = 256;  // of several sentences
  const bool may_limit = !settings_.reference_sampling;
  for (const int64_t most : may_limit ? std::vector<int64_t>{0, 1} : std::vector<int64_t>{0}) {
    for (const bool learn_texts : {true, false}) {
      for (auto* data : {&settings_.train_data, &settings_.val_data}) {
        data->datasets[0].max_length = settings_.max_length;
        data->datasets[0].interactive_prob = 1;  // each sentence has an end of its own
        data->datasets[0].max_sentences = most;
        data->datasets[0].learn_texts = learn_texts;
      }
      const auto data = make();
      const auto ends_of = [](const Batch& batch) {
        const auto frames = batch.labels.select(1, 1).ne(dataset::kIgnoredLabel);
        return frames.logical_and(batch.labels.select(1, 1).eq(0)).sum().item<int64_t>();
      };
      const Batch batch = data->next_step().front();
      const int64_t samples = batch.segments.empty() ? batch.tokens.size(0)
                                                     : static_cast<int64_t>(batch.segments.size());
      if (most == 1) {
        EXPECT_EQ(ends_of(batch), samples);
      } else {
        EXPECT_GT(ends_of(batch), samples);
      }
      for (const Batch& some : {batch, data->validation().front()}) {
        const auto outside = some.labels.select(1, 1).eq(dataset::kIgnoredLabel);
        const auto learnt = some.labels.select(1, 0).ne(dataset::kIgnoredLabel);
        EXPECT_EQ(outside.logical_and(learnt).any().item<bool>(), learn_texts);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Samplers, RunDataTest, testing::Bool(), [](const auto& sampler) {
  return sampler.param ? std::string("reference") : std::string("koi");
});

}  // namespace
}  // namespace koi::train
