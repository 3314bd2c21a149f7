#include "koi/lm/lora_targets.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"

namespace koi::lm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Names = std::vector<std::string>;

const Names kModules{"embeddings",
                     "codebook_embeddings",
                     "layers.0.attention.wqkv",
                     "layers.0.feed_forward.w1",
                     "layers.10.attention.wqkv",
                     "output",
                     "fast_embeddings",
                     "fast_layers.0.attention.wo",
                     "fast_output"};

Names chosen(const Names& targets) {
  const auto set = chosen_modules(targets, kModules);
  return {set.begin(), set.end()};
}

std::string refusal(const Names& targets) {
  try {
    chosen(targets);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(LoraTargets, Groups) {
  EXPECT_EQ(chosen({"all"}).size(), kModules.size());
  EXPECT_THAT(chosen({"attention"}),
              ElementsAre("fast_layers.0.attention.wo", "layers.0.attention.wqkv",
                          "layers.10.attention.wqkv"));
  EXPECT_THAT(chosen({"ffn"}), ElementsAre("layers.0.feed_forward.w1"));
  EXPECT_THAT(chosen({"embeddings"}),
              ElementsAre("codebook_embeddings", "embeddings", "fast_embeddings"));
  EXPECT_THAT(chosen({"output"}), ElementsAre("fast_output", "output"));
  EXPECT_THAT(chosen({"fast"}),
              ElementsAre("fast_embeddings", "fast_layers.0.attention.wo", "fast_output"));
  Names both = chosen({"slow", "fast"});
  EXPECT_EQ(both.size(), kModules.size());
  EXPECT_EQ(chosen({"slow"}).size(), kModules.size() - 3);
}

TEST(LoraTargets, NamesAndPatterns) {
  EXPECT_THAT(chosen({"layers.*.attention.wqkv"}),
              ElementsAre("layers.0.attention.wqkv", "layers.10.attention.wqkv"));
  EXPECT_THAT(chosen({"layers.0.attention.wqkv"}), ElementsAre("layers.0.attention.wqkv"));
  EXPECT_THAT(chosen({"layers.1*.wqkv", "fast_output"}),
              ElementsAre("fast_output", "layers.10.attention.wqkv"));
  EXPECT_THAT(chosen({"*w1"}), ElementsAre("layers.0.feed_forward.w1"));
  EXPECT_EQ(chosen({"**"}).size(), kModules.size());
}

TEST(LoraTargets, OneModule) {
  for (const std::string& module : kModules)
    EXPECT_THAT(chosen({target_of(module)}), ElementsAre(module));
}

TEST(LoraTargets, NamesNearToWhatIsNotThere) {
  EXPECT_THAT(refusal({"atention"}),
              HasSubstr("nothing is named atention; did you mean attention?"));
  EXPECT_THAT(refusal({"all", "wqkv"}), HasSubstr("did you mean layers.*.attention.wqkv?"));
  EXPECT_THAT(refusal({"layers.11.attention.wqkv"}), HasSubstr("layers.*.attention.wqkv"));
  EXPECT_THAT(refusal({"quite another"}), HasSubstr("there are the groups all, attention"));
  EXPECT_THAT(refusal({""}), HasSubstr("nothing is named"));
  EXPECT_THAT(refusal({}), HasSubstr("none are given"));
}

TEST(LoraTargets, StarsWithinStars) {
  std::string stars;
  for (int i = 0; i < 90; ++i) stars += "*a";
  const std::string name(100000, 'a');
  EXPECT_EQ(chosen_modules({stars}, {name}).size(), 1u);
  EXPECT_THROW(chosen_modules({stars}, {name + "b"}), Error);  // at once, without trying all ways
  EXPECT_THAT(refusal({std::string(300, '*')}), HasSubstr("300 characters"));
}

}  // namespace
}  // namespace koi::lm
