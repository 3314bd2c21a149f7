#include "koi/dataset/epoch_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace koi::dataset {
namespace {

constexpr int64_t kMaxLength = 200;

SpeakerPlan speaker(size_t count, SamplerOptions options = {.max_length = kMaxLength}) {
  SpeakerPlan plan{.sentences = {}, .options = options};
  for (size_t i = 0; i < count; ++i)
    plan.sentences.push_back({.length = static_cast<int64_t>(15 + i * 7 % 60), .spellings = 2});
  return plan;
}

int64_t length_of(const PlannedRow& row) {
  int64_t length = 0;
  for (const PlannedSample& sample : row) length += sample.length;
  return length;
}

// The same samples in the same rows.
std::vector<std::vector<size_t>> shape(const std::vector<PlannedRow>& rows) {
  std::vector<std::vector<size_t>> all;
  for (const PlannedRow& row : rows) {
    all.emplace_back();
    for (const PlannedSample& sample : row) {
      all.back().push_back(sample.speaker);
      for (const auto& part : sample.parts) all.back().push_back(part.sentence);
    }
  }
  return all;
}

TEST(EpochPlan, VisitsEverySentenceOnceInRowsThatHoldThem) {
  for (const bool causal : {true, false}) {
    SamplerOptions options{.max_length = kMaxLength};
    options.causal = causal;
    const std::vector<SpeakerPlan> speakers = {speaker(50, options), speaker(1, options),
                                               speaker(120, options)};
    for (uint64_t epoch = 0; epoch < 3; ++epoch) {
      std::set<std::pair<size_t, size_t>> seen;
      for (const PlannedRow& row : plan_epoch(speakers, kMaxLength, {.seed = 1, .epoch = epoch})) {
        ASSERT_FALSE(row.empty());
        EXPECT_LE(length_of(row), kMaxLength);
        for (const PlannedSample& sample : row) {
          int64_t length = 0;
          for (const auto& part : sample.parts) {
            EXPECT_TRUE(seen.insert({sample.speaker, part.sentence}).second);
            EXPECT_LT(part.spelling, 2u);
            length += speakers[sample.speaker].sentences[part.sentence].length;
          }
          EXPECT_EQ(length, sample.length);
          EXPECT_LE(length, kMaxLength);
        }
      }
      EXPECT_EQ(seen.size(), 171u);
    }
  }
}

TEST(EpochPlan, CausalSamplesHoldNeighbours) {
  for (const PlannedRow& row : plan_epoch({speaker(40)}, kMaxLength, {})) {
    for (const PlannedSample& sample : row) {
      for (size_t i = 1; i < sample.parts.size(); ++i)
        EXPECT_EQ(sample.parts[i].sentence, (sample.parts[i - 1].sentence + 1) % 40);
    }
  }
}

TEST(EpochPlan, EpochsAndSeedsDiffer) {
  const std::vector<SpeakerPlan> speakers = {speaker(60)};
  const auto plan = [&](const EpochSeed& seed) {
    return shape(plan_epoch(speakers, kMaxLength, seed));
  };
  EXPECT_EQ(plan({.seed = 1, .epoch = 1}), plan({.seed = 1, .epoch = 1}));
  EXPECT_NE(plan({.seed = 1, .epoch = 1}), plan({.seed = 1, .epoch = 2}));
  EXPECT_NE(plan({.seed = 1, .epoch = 1}), plan({.seed = 2, .epoch = 1}));
}

TEST(EpochPlan, ShortSamplesShareRows) {
  SamplerOptions options{.max_length = kMaxLength};
  options.interactive_prob = 0;
  const auto rows = plan_epoch({speaker(400, options)}, kMaxLength, {});
  int64_t tokens = 0;
  size_t samples = 0;
  for (const PlannedRow& row : rows) tokens += length_of(row), samples += row.size();
  EXPECT_GT(samples, rows.size() * 3 / 2);
  // All rows but the few that are open at the end are nearly full.
  EXPECT_GT(static_cast<double>(tokens) / static_cast<double>(rows.size() * kMaxLength), 0.9);
}

TEST(EpochPlan, OverlongSentencesStandAlone) {
  SpeakerPlan plan = speaker(10);
  plan.sentences[4].length = 1000;
  for (const PlannedRow& row : plan_epoch({plan}, kMaxLength, {})) {
    for (const PlannedSample& sample : row) {
      if (sample.length <= kMaxLength) continue;
      EXPECT_EQ(row.size(), 1u);
      ASSERT_EQ(sample.parts.size(), 1u);
      EXPECT_EQ(sample.parts[0].sentence, 4u);
    }
  }
}

TEST(EpochPlan, SamplesOfAsManySentencesAsAreWanted) {
  SamplerOptions options{.max_length = kMaxLength};
  options.max_sentences = 2;
  size_t samples = 0, longest_row = 0;
  for (const PlannedRow& row : plan_epoch({speaker(101, options)}, kMaxLength, {})) {
    longest_row = std::max(longest_row, row.size());
    for (const PlannedSample& sample : row) {
      EXPECT_LE(sample.parts.size(), 2u);
      ++samples;
    }
  }
  // Lengths of 15 to 74: two fit into most of the samples, and more samples than one into rows.
  EXPECT_LT(samples, 80u);
  EXPECT_GT(samples, 50u);
  EXPECT_GT(longest_row, 1u);
}

TEST(EpochPlan, SharesAreKept) {
  SamplerOptions options{.max_length = 40};
  options.interactive_prob = 0.25;
  options.use_speaker = 0.75;
  options.skip_text_prob = 0.5;
  options.text_dropout = 0.3;
  size_t samples = 0, interactive = 0, with_speaker = 0, parts = 0, skipped = 0, textless = 0;
  for (const PlannedRow& row : plan_epoch({speaker(4000, options)}, 40, {})) {
    for (const PlannedSample& sample : row) {
      ++samples;
      interactive += sample.interactive;
      with_speaker += sample.use_speaker;
      textless += sample.drop_texts;
      if (!sample.interactive) continue;
      for (const auto& part : sample.parts) ++parts, skipped += part.skip_text;
    }
  }
  // Five standard deviations of a share over a thousand draws and more.
  const auto share = [](size_t a, size_t b) {
    return static_cast<double>(a) / static_cast<double>(b);
  };
  EXPECT_NEAR(share(interactive, samples), 0.25, 0.07);
  EXPECT_NEAR(share(with_speaker, samples), 0.75, 0.07);
  EXPECT_NEAR(share(textless, samples), 0.3, 0.07);
  EXPECT_NEAR(share(skipped, parts), 0.5, 0.08);
}

TEST(EpochPlan, NothingGivesNothing) { EXPECT_TRUE(plan_epoch({}, kMaxLength, {}).empty()); }

}  // namespace
}  // namespace koi::dataset
