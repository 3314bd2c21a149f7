#include "koi/speech/sampling.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <random>

#include "koi/base/error.h"

namespace koi::speech {
namespace {

using testing::ElementsAre;
using testing::FloatNear;

constexpr float kNever = -std::numeric_limits<float>::infinity();
constexpr SamplingOptions kPlain = {.temperature = 1, .top_p = 1, .repetition_penalty = 1};

std::vector<float> logits_of(std::vector<float> probabilities) {
  for (float& p : probabilities) p = std::log(p);
  return probabilities;
}

const Noise kEvenNoise = [](std::span<float> row) { std::fill(row.begin(), row.end(), 1.0F); };

TEST(Sampling, PenaltyIsAppliedOnceForEachToken) {
  const std::vector<float> logits = {2, -1, 0.5, 1};
  const std::vector<int64_t> previous = {0, 0, 0, 1};
  SamplingOptions options = kPlain;
  options.repetition_penalty = 2;
  const std::vector<float> found = token_probabilities(logits, previous, options);
  const std::vector<float> expected =
      token_probabilities(std::vector<float>{1, -2, 0.5, 1}, {}, kPlain);
  EXPECT_EQ(found, expected);
}

TEST(Sampling, NucleusIsTakenBeforeTheTemperature) {
  SamplingOptions options = kPlain;
  options.top_p = 0.8;
  options.temperature = 100;  // flat: all would be in
  EXPECT_THAT(token_probabilities(logits_of({0.3, 0.5, 0.2}), {}, options),
              ElementsAre(FloatNear(0.5F, 0.01F), FloatNear(0.5F, 0.01F), 0));
}

TEST(Sampling, BestTokenIsAlwaysKept) {
  SamplingOptions options = kPlain;
  options.top_p = 0;
  EXPECT_THAT(token_probabilities(logits_of({0.3, 0.5, 0.2}), {}, options), ElementsAre(0, 1, 0));
}

TEST(Sampling, TemperatureZeroIsNearlyGreedy) {
  SamplingOptions options = kPlain;
  options.temperature = 0;
  EXPECT_THAT(token_probabilities(logits_of({0.3, 0.5, 0.2}), {}, options), ElementsAre(0, 1, 0));
}

TEST(Sampling, ForbiddenTokensAreNeverDrawn) {
  const std::vector<float> logits = {kNever, 1, kNever, 0};
  const Noise noise = portable_noise(1);
  for (int i = 0; i < 200; ++i) {
    const int64_t token = sample_token(logits, std::vector<int64_t>{0, 1}, kPlain, noise);
    EXPECT_TRUE(token == 1 || token == 3) << token;
  }
}

TEST(Sampling, GreedyDrawsNoNoiseAndFollowsThePenalty) {
  SamplingOptions options = kPlain;
  options.greedy = true;
  options.repetition_penalty = 3;
  const Noise none = [](std::span<float>) { FAIL() << "noise was drawn"; };
  const std::vector<float> logits = {2, 1, 0};
  EXPECT_EQ(sample_token(logits, {}, options, none), 0);
  EXPECT_EQ(sample_token(logits, std::vector<int64_t>{0}, options, none), 1);
}

TEST(Sampling, RaceDividesByTheNoise) {
  const std::vector<float> logits = logits_of({0.3, 0.5, 0.2});
  EXPECT_EQ(sample_token(logits, {}, kPlain, kEvenNoise), 1);
  const Noise quick_last = [](std::span<float> row) {
    std::fill(row.begin(), row.end(), 1.0F);
    row.back() = 0.1F;
  };
  EXPECT_EQ(sample_token(logits, {}, kPlain, quick_last), 2);
}

// The race draws each token as often as its probability says.
TEST(Sampling, FrequenciesEqualTheProbabilities) {
  const std::vector<float> probabilities = {0.1, 0.6, 0.3};
  const std::vector<float> logits = logits_of(probabilities);
  const Noise noise = portable_noise(7);
  constexpr int kDraws = 20'000;
  std::vector<int> counts(3);
  for (int i = 0; i < kDraws; ++i)
    ++counts[static_cast<size_t>(sample_token(logits, {}, kPlain, noise))];
  for (size_t i = 0; i < 3; ++i)
    EXPECT_NEAR(counts[i] / double{kDraws}, probabilities[i], 0.015);  // 4 standard deviations
}

TEST(Sampling, PortableNoiseGoesOnFromRowToRow) {
  std::vector<float> whole(6), first(2), second(4);
  portable_noise(5)(whole);
  const Noise noise = portable_noise(5);
  noise(first);
  noise(second);
  first.insert(first.end(), second.begin(), second.end());
  EXPECT_EQ(first, whole);
}

TEST(Sampling, BrokenLogitsAreErrors) {
  for (const SamplingOptions& options : {kPlain, SamplingOptions{.greedy = true}}) {
    for (const float bad : {std::nanf(""), -kNever}) {
      EXPECT_THROW(sample_token(std::vector<float>{1, bad}, {}, options, kEvenNoise), Error);
    }
    EXPECT_THROW(sample_token(std::vector<float>{kNever, kNever}, {}, options, kEvenNoise), Error);
    EXPECT_THROW(sample_token(std::vector<float>{}, {}, options, kEvenNoise), Error);
  }
  EXPECT_THROW(sample_token(std::vector<float>{1, 2}, std::vector<int64_t>{2}, kPlain, kEvenNoise),
               Error);
}

TEST(Sampling, OptionsOutOfRangeAreNamed) {
  const auto message = [](SamplingOptions options) -> std::string {
    try {
      check_sampling(options);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message({}), "");
  EXPECT_THAT(message({.temperature = -0.1}), testing::StartsWith("--temperature: "));
  EXPECT_THAT(message({.temperature = INFINITY}), testing::StartsWith("--temperature: "));
  EXPECT_THAT(message({.top_p = 1.1}), testing::StartsWith("--top-p: "));
  EXPECT_THAT(message({.top_p = NAN}), testing::StartsWith("--top-p: "));
  EXPECT_THAT(message({.repetition_penalty = 0}), testing::StartsWith("--repetition-penalty: "));
}

}  // namespace
}  // namespace koi::speech
