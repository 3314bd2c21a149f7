// CPython's random (3.11.7) and numpy's default_rng (1.26.4), draw for draw. No tolerance: integers
// and doubles are equal.
#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <regex>

#include "koi/base/files.h"
#include "koi/base/numpy_random.h"
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

// The columns up to choices(..., weights).
void expect_draws(PythonRandom& random, const json& expected) {
  for (const json& value : expected.at("getrandbits32")) EXPECT_EQ(random.bits(32), value);
  for (const json& value : expected.at("random")) EXPECT_EQ(random.random(), value);
  for (const json& pair : expected.at("randbelow"))
    EXPECT_EQ(random.below(pair.at(0)), pair.at(1)) << pair;
  for (const json& value : expected.at("randint_3_9")) EXPECT_EQ(3 + random.below(7), value);
  for (const json& value : expected.at("choice_of_1")) EXPECT_EQ(random.below(1), value);
}

// The weights of choices_w are not recorded: what its picks leave possible. `points` holds for each
// index the smallest and largest random() that gave it, over all seeds; the sums of weights lie in
// between, so that a single draw of another place in the stream would contradict them.
using PickedPoints = std::map<size_t, std::pair<double, double>>;

std::vector<uint64_t> possible_weights(const PickedPoints& points) {
  constexpr double kSum = 0x1p40;
  std::vector<uint64_t> cumulative;
  double below = 0;
  for (auto it = points.begin(); it != points.end(); ++it) {
    cumulative.resize(it->first, cumulative.empty() ? 0 : cumulative.back());  // never picked
    EXPECT_LE(below, it->second.first) << "index " << it->first;
    below = it->second.second;
    const auto next = std::next(it);
    const double end = next == points.end() ? 1 : (below + next->second.first) / 2;
    cumulative.push_back(static_cast<uint64_t>(end * kSum));
  }
  return cumulative;
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
  std::vector<PythonRandom> streams;  // where choices_w begins
  PickedPoints points;
  for (const json& expected : cases) {
    SCOPED_TRACE(expected["seed"].dump());
    PythonRandom random(seed_words((*seed++)[1]));
    expect_draws(random, expected);
    streams.push_back(random);
    for (const size_t pick : expected.at("choices_w")) {
      const double point = random.random();
      const auto [found, is_new] = points.emplace(pick, std::pair(point, point));
      found->second.first = std::min(found->second.first, point);
      found->second.second = std::max(found->second.second, point);
    }
  }
  EXPECT_EQ(seed, std::sregex_iterator());

  const std::vector<uint64_t> cumulative = possible_weights(points);
  for (size_t i = 0; i < cases.size(); ++i) {
    const json& expected = cases[i];
    SCOPED_TRACE(expected["seed"].dump());
    PythonRandom& random = streams[i];
    for (const json& pick : expected.at("choices_w"))
      EXPECT_EQ(random.weighted_index(cumulative), pick);
    for (const json& pick : expected.at("choices_k")) EXPECT_EQ(random.index(7), pick);
    for (const json& bit : expected.at("getrandbits1")) EXPECT_EQ(random.bits(1), bit);
  }
}

TEST(RandomParity, NumpyRandom) {
  KOI_REQUIRE_GOLDEN("data/sampling/interleave.json");
  const json cases = test::read_json(test::golden("data/sampling/interleave.json"));
  ASSERT_FALSE(cases.empty());
  for (const json& expected : cases) {
    NumpyRandom random(expected.at("seed").get<uint64_t>());
    ASSERT_FALSE(expected.at("uniforms").empty());
    for (const json& value : expected["uniforms"]) EXPECT_EQ(random.random(), value);
  }
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
