// CPython's random (3.11.7), draw for draw. No tolerance: integers and doubles are equal.
#include <gtest/gtest.h>

#include <numeric>
#include <regex>

#include "koi/base/files.h"
#include "koi/base/random.h"
#include "tests/support/goldens.h"

namespace koi::base {
namespace {

using nlohmann::json;

// The absolute value of a decimal number as words, lowest first.
std::vector<uint32_t> seed_words(const std::string& decimal) {
  std::vector<uint32_t> words{0};
  for (const char c : decimal) {
    if (c == '-') continue;
    uint64_t carry = static_cast<uint64_t>(c - '0');
    for (uint32_t& word : words) {
      carry += uint64_t{word} * 10;
      word = static_cast<uint32_t>(carry);
      carry >>= 32;
    }
    if (carry > 0) words.push_back(static_cast<uint32_t>(carry));
  }
  return words;
}

TEST(RandomParity, PythonRandom) {
  KOI_REQUIRE_GOLDEN("data/sampling/python_random.json");
  const auto path = test::golden("data/sampling/python_random.json");
  const json cases = test::read_json(path);
  ASSERT_FALSE(cases.empty());
  // Seeds of more than 64 bits do not survive a JSON reader.
  const std::string text = read_file(path);
  const std::regex pattern(R"("seed":\s*(-?\d+))");
  std::sregex_iterator seed(text.begin(), text.end(), pattern);
  for (const json& expected : cases) {
    const std::vector<uint32_t> words = seed_words((*seed++)[1]);
    SCOPED_TRACE(expected["seed"].dump());
    PythonRandom random(words);
    for (const json& value : expected.at("getrandbits32")) EXPECT_EQ(random.bits(32), value);
    for (const json& value : expected.at("random")) EXPECT_EQ(random.random(), value);
    for (const json& pair : expected.at("randbelow"))
      EXPECT_EQ(random.below(pair.at(0)), pair.at(1)) << pair;
    for (const json& value : expected.at("randint_3_9")) EXPECT_EQ(3 + random.below(7), value);
    for (const json& value : expected.at("choice_of_1")) EXPECT_EQ(random.below(1), value);
  }
  EXPECT_EQ(seed, std::sregex_iterator());
}

TEST(RandomParity, ShuffleOrder) {
  KOI_REQUIRE_GOLDEN("data/sampling/shuffle_order.json");
  const json cases = test::read_json(test::golden("data/sampling/shuffle_order.json"));
  ASSERT_GT(cases.size(), 1U);
  for (size_t i = 1; i < cases.size(); ++i) {  // the first line names the columns
    std::vector<int64_t> items(cases[i].at(1).get<size_t>());
    std::iota(items.begin(), items.end(), 0);
    PythonRandom(cases[i].at(0).get<uint64_t>()).shuffle(items);
    EXPECT_EQ(json(items), cases[i].at(2)) << cases[i];
  }
}

}  // namespace
}  // namespace koi::base
