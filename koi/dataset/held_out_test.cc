#include "koi/dataset/held_out.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "koi/base/error.h"

namespace koi::dataset {
namespace {

std::vector<TextData> speakers(size_t sentences, size_t texts) {
  std::vector<TextData> groups = {{"folder", "ada", {}}, {"folder", "한별", {}}};
  for (size_t i = 0; i < sentences; ++i) {
    const CodeRows codes(2, {static_cast<uint32_t>(i)});
    groups[i % 2].sentences.push_back({{"text " + std::to_string(i % texts)}, codes});
  }
  return groups;
}

struct Split {
  std::vector<TextData> train, held_out;
  size_t held_out_sentences = 0;
};

Split hold_out(std::vector<TextData> groups, const HeldOutOptions& options) {
  Split split;
  split.held_out = take_out(groups, choose_held_out(groups, options));
  split.train = std::move(groups);
  for (const TextData& group : split.held_out) split.held_out_sentences += group.sentences.size();
  return split;
}

// Every sentence's text and first code.
std::multiset<std::string> contents(const std::vector<TextData>& groups) {
  std::multiset<std::string> all;
  for (const TextData& group : groups) {
    for (const Sentence& sentence : group.sentences)
      all.insert(group.name + sentence.texts[0] + "/" + std::to_string(sentence.codes[0][0]));
  }
  return all;
}

std::set<std::string> texts(const std::vector<TextData>& groups) {
  std::set<std::string> all;
  for (const TextData& group : groups)
    for (const Sentence& sentence : group.sentences) all.insert(sentence.texts[0]);
  return all;
}

TEST(HeldOut, SplitsEverySentenceOnce) {
  const Split split = hold_out(speakers(200, 200), {});
  EXPECT_EQ(split.held_out_sentences, 10u);
  EXPECT_EQ(contents(split.held_out).size(), 10u);
  auto all = contents(split.train);
  all.merge(contents(split.held_out));
  EXPECT_EQ(all, contents(speakers(200, 200)));
}

TEST(HeldOut, ASentenceStaysWhereItIsWhateverTheOrder) {
  auto groups = speakers(200, 200);
  const auto expected = contents(hold_out(groups, {}).held_out);
  std::reverse(groups.begin(), groups.end());
  for (TextData& group : groups) std::reverse(group.sentences.begin(), group.sentences.end());
  EXPECT_EQ(contents(hold_out(groups, {}).held_out), expected);
}

TEST(HeldOut, RecordingsOfOneTextStayTogether) {
  const Split split = hold_out(speakers(200, 40), {});
  EXPECT_EQ(split.held_out_sentences, 10u);  // two texts, five recordings each
  for (const std::string& text : texts(split.held_out))
    EXPECT_FALSE(texts(split.train).contains(text)) << text;
}

TEST(HeldOut, AtLeastOneAtMostAHundred) {
  EXPECT_EQ(hold_out(speakers(5, 5), {}).held_out_sentences, 1u);
  EXPECT_EQ(hold_out(speakers(5000, 5000), {}).held_out_sentences, 100u);
  EXPECT_EQ(hold_out(speakers(5000, 5000), {.most = 7}).held_out_sentences, 7u);
}

TEST(HeldOut, TrainingKeepsAText) {
  EXPECT_EQ(hold_out(speakers(1, 1), {}).held_out_sentences, 0u);
  EXPECT_EQ(hold_out(speakers(6, 1), {}).held_out_sentences, 0u);
  EXPECT_EQ(texts(hold_out(speakers(6, 2), {.share = 0.99}).train).size(), 1u);
  EXPECT_EQ(hold_out({}, {}).train.size(), 0u);
}

TEST(HeldOut, NoneWhereNoneAreWanted) {
  const Split split = hold_out(speakers(20, 20), {.share = 0});
  EXPECT_EQ(split.held_out_sentences, 0u);
  EXPECT_EQ(contents(split.train), contents(speakers(20, 20)));
  EXPECT_THROW(hold_out({}, {.share = 1}), Error);
  EXPECT_THROW(hold_out({}, {.share = -0.1}), Error);
}

}  // namespace
}  // namespace koi::dataset
