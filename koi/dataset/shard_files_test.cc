#include "koi/dataset/shard_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "koi/base/error.h"

namespace koi::dataset {
namespace {

using testing::ElementsAre;

TEST(ExpandBraces, Patterns) {
  EXPECT_THAT(expand_braces("a{b,{1..2}}c"), ElementsAre("abc", "a1c", "a2c"));
  EXPECT_THAT(expand_braces("{-01..1}"), ElementsAre("-01", "000", "001"));
  EXPECT_THAT(expand_braces("{x}{}"), ElementsAre("{x}{}"));
  EXPECT_THAT(expand_braces("{c..a}"), ElementsAre("c", "b", "a"));
  EXPECT_THAT(expand_braces(""), ElementsAre(""));
  EXPECT_THAT(expand_braces("x\\"), ElementsAre("x\\"));
}

TEST(ExpandBraces, HostilePatterns) {
  EXPECT_THROW(expand_braces("{a,b"), Error);
  EXPECT_THROW(expand_braces("a}"), Error);
  EXPECT_THROW(expand_braces("{1..999999999999999}"), Error);
  std::string many, deep;
  for (int i = 0; i < 40; ++i) many += "{a,b}";
  EXPECT_THROW(expand_braces(many), Error);
  EXPECT_THROW(expand_braces(std::string(5000, 'a')), Error);
  for (int i = 0; i < 2048; ++i) deep = "{" + deep + "}";
  EXPECT_EQ(expand_braces(deep).size(), 1U);
}

TEST(FindShards, MissingPath) { EXPECT_THROW(find_shards({"/nowhere/{a,b}"}), Error); }

}  // namespace
}  // namespace koi::dataset
