#include "koi/text/bpe_trainer.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "koi/base/error.h"

namespace koi::text {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

WordCounts count(const std::vector<std::string>& texts) {
  WordCounts words;
  for (const std::string& text : texts) words.add(text);
  return words;
}

TEST(BpeTrainer, MergesTheMostFrequentPairFirst) {
  const LearntMerges learnt = learn_merges(count({"abc abc", "bc"}), {});
  // "Ġ" is the space of the second word. "Ġa" occurs once only.
  EXPECT_THAT(learnt.merges, ElementsAre(Pair("b", "c"), Pair("a", "bc")));
  EXPECT_EQ(learnt.vocab_size, kByteTokenizerSize + 2);
  EXPECT_EQ(learnt.tokens, 4u);  // abc, Ġ abc, bc
}

TEST(BpeTrainer, OfEqualPairsTheOneWithLowerIdsGoesFirst) {
  const BpeOptions three{.vocab_size = kByteTokenizerSize + 3, .min_count = 1};
  EXPECT_THAT(learn_merges(count({"za", "bz", "ay", "ax"}), three).merges,
              ElementsAre(Pair("a", "x"), Pair("a", "y"), Pair("b", "z")));
}

TEST(BpeTrainer, TheOrderOfTextsMakesNoDifference) {
  std::vector<std::string> texts{"in the morning", "the harbour", "오늘 아침", "오늘은", "aaaaaaa"};
  const auto merges = learn_merges(count(texts), {.vocab_size = 400, .min_count = 1}).merges;
  EXPECT_FALSE(merges.empty());
  std::sort(texts.begin(), texts.end());
  do {
    ASSERT_EQ(learn_merges(count(texts), {.vocab_size = 400, .min_count = 1}).merges, merges);
  } while (std::next_permutation(texts.begin(), texts.end()));
}

TEST(BpeTrainer, StopsWhereNoPairIsLeft) {
  EXPECT_THAT(learn_merges(count({"abc"}), {.min_count = 2}).merges, IsEmpty());
  const LearntMerges all = learn_merges(count({"abc"}), {.min_count = 1});
  EXPECT_THAT(all.merges, ElementsAre(Pair("a", "b"), Pair("ab", "c")));
  EXPECT_THAT(learn_merges(count({}), {}).merges, IsEmpty());
  EXPECT_THAT(learn_merges(count({"ab ab"}), {.vocab_size = kByteTokenizerSize}).merges, IsEmpty());
}

TEST(BpeTrainer, RunsOfOneLetter) {
  const LearntMerges learnt = learn_merges(count({std::string(7, 'a')}), {.min_count = 1});
  EXPECT_EQ(learnt.tokens, 1u);
  EXPECT_THAT(learnt.merges, testing::Contains(Pair("aa", "aa")));
}

TEST(BpeTrainer, LongWordsAreLearntInPieces) {
  const std::string letters(1024, 'a');
  const BpeOptions options{.vocab_size = 400, .min_count = 1};
  const auto has_end = testing::Contains(Pair(testing::_, "b"));
  EXPECT_THAT(learn_merges(count({letters.substr(1) + "b"}), options).merges, has_end);
  EXPECT_THAT(learn_merges(count({letters + "b"}), options).merges, testing::Not(has_end));
}

// A text without a space of a megabyte would take hours where each merge went through all of it.
TEST(BpeTrainer, ALongWordIsLearntInPieces) {
  std::string word;
  uint32_t state = 1;
  for (int i = 0; i < 1 << 20; ++i) {
    state = state * 1664525 + 1013904223;
    word.push_back(static_cast<char>('a' + (state >> 24) % 26));
  }
  const LearntMerges learnt = learn_merges(count({word}), {.vocab_size = 2000});
  EXPECT_EQ(learnt.vocab_size, 2000);
  EXPECT_GE(learnt.tokens, word.size() / 1024);
}

TEST(BpeTrainer, TellsHowFarItIsAndStopsWhenTold) {
  std::vector<int64_t> sizes;
  learn_merges(count({"abc"}), {.min_count = 1}, [&](int64_t size) { sizes.push_back(size); });
  EXPECT_THAT(sizes, ElementsAre(kByteTokenizerSize + 1, kByteTokenizerSize + 2));
  struct Stop {};
  EXPECT_THROW(learn_merges(count({"abc"}), {.min_count = 1}, [](int64_t) { throw Stop(); }), Stop);
}

TEST(BpeTrainer, RefusesWhatIsImpossible) {
  for (const BpeOptions& options :
       {BpeOptions{.vocab_size = kByteTokenizerSize - 1}, BpeOptions{.vocab_size = -1},
        BpeOptions{.vocab_size = int64_t{1} << 40}, BpeOptions{.min_count = 0}})
    EXPECT_THROW(learn_merges(count({"abc"}), options), Error);
}

TEST(BpeTrainer, CountsWordsAndBoundsThem) {
  WordCounts words = count({"the cat", "the  dog"});
  EXPECT_EQ(words.total(), 5u);  // the, Ġcat, the, Ġ, Ġdog
  EXPECT_THAT(words.by_word(), testing::Contains(Pair("the", 2)));
  EXPECT_THROW(count({std::string(size_t{33} << 20, 'a')}), Error);
}

}  // namespace
}  // namespace koi::text
