#include "koi/eval/totals.h"

#include <gmock/gmock.h>

namespace koi::eval {
namespace {

using testing::ElementsAre;

Take take(size_t sentence, double duration_s) {
  return {.sentence = sentence, .wav = "x.wav", .duration_s = duration_s};
}

std::vector<std::string> names_of(const std::vector<Row>& rows) {
  std::vector<std::string> names;
  for (const Row& row : rows) names.push_back(row.voice);
  return names;
}

TEST(Totals, AreOfSumsNotOfRates) {
  std::vector<Result> results(3);
  results[0] = {take(0, 2), {{"", {{1, 2}, {2, 10}}}, {"", {{0, 2}, {0, 10}}}}, 0.5};
  results[0].take.silent_s = 1;
  results[0].take.clipped_s = 0.02;
  results[1] = {take(1, 6), {{"", {{0, 8}, {1, 40}}}, {"", {{2, 8}, {8, 40}}}}, 0.7};
  results[1].take.reached_limit = true;
  results[2].take = {.sentence = 2, .failure = "no"};
  results[2].heard = {{"", {{2, 2}, {10, 10}}}, {"", {{2, 2}, {10, 10}}}};
  const Totals totals = sum_up(results, {4, 0, 5});
  EXPECT_EQ(totals.sentences, 3U);
  EXPECT_EQ(totals.failed, 1U);
  EXPECT_EQ(totals.reached_limit, 1U);
  EXPECT_EQ(totals.errors.at(0).words, (Errors{3, 12}));
  EXPECT_EQ(totals.errors.at(0).characters, (Errors{13, 60}));
  EXPECT_EQ(totals.errors.at(1).words, (Errors{4, 12}));
  EXPECT_NEAR(*totals.likeness, 0.6, 1e-12);
  EXPECT_NEAR(*totals.duration_ratio, 0.5, 1e-12);  // of the first alone
  EXPECT_EQ(totals.duration_s, 8);
  EXPECT_NEAR(totals.silent_share, 1.0 / 8, 1e-12);
  EXPECT_NEAR(totals.clipped_share, 0.02 / 8, 1e-12);
  EXPECT_NEAR(totals.score, 0.6 * (1 - (13.0 / 60 + 18.0 / 60) / 2), 1e-12);
}

TEST(Totals, TheScoreNeedsNobodyWhoHears) {
  std::vector<Result> results{{take(0, 1), {}}, {take(1, 3), {}}};
  EXPECT_NEAR(sum_up(results, {2, 6}).score, 0.5, 1e-12);
  EXPECT_NEAR(sum_up(results, {0.5, 1.5}).score, 0.5, 1e-12);
  EXPECT_EQ(sum_up(results, {0, 0}).score, 1);
  EXPECT_FALSE(sum_up(results, {0, 0}).duration_ratio);
  results[0].take.reached_limit = true;
  EXPECT_EQ(sum_up(results, {0, 0}).score, 0.5);
  results[0].take = {};
  EXPECT_EQ(sum_up(results, {0, 0}).score, 0.5);
  EXPECT_EQ(sum_up({}, {}).sentences, 0U);
}

TEST(Totals, WhatHasNoSoundIsLikeNobody) {
  std::vector<Result> results{{take(0, 1), {}, 0.8}, {take(1, 1), {}, 0.6}};
  EXPECT_NEAR(sum_up(results, {1, 1}).score, 0.7, 1e-12);
  results[1] = {.take = {.sentence = 1, .failure = "no"}, .heard = {}};
  const Totals totals = sum_up(results, {1, 1});
  EXPECT_NEAR(*totals.likeness, 0.8, 1e-12);
  EXPECT_NEAR(totals.score, 0.4, 1e-12);
}

TEST(Totals, NonsenseIsNotBetterForBeingLong) {
  const std::vector<Result> results{{take(0, 1), {{"", {{9, 1}, {90, 10}}}}, -0.5}};
  EXPECT_EQ(sum_up(results, {1}).score, 0);
}

TEST(Totals, CheckpointsComeFirstTheBestInFront) {
  std::vector<Row> rows;
  const auto add = [&rows](const char* name, Voice::Kind kind, double score) {
    rows.push_back({.voice = name, .kind = kind, .results = {}, .totals = {.score = score}});
  };
  add("codec", Voice::Kind::codec, 0.9);
  add("worse", Voice::Kind::checkpoint, 0.2);
  add("originals", Voice::Kind::originals, 1);
  add("best", Voice::Kind::checkpoint, 0.5);
  add("as good", Voice::Kind::checkpoint, 0.2);
  add("codec-b", Voice::Kind::codec, 0.95);
  put_in_order(rows);
  EXPECT_THAT(names_of(rows),
              ElementsAre("best", "worse", "as good", "originals", "codec", "codec-b"));
}

}  // namespace
}  // namespace koi::eval
