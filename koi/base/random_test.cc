#include "koi/base/random.h"

#include <gtest/gtest.h>

#include "koi/base/error.h"

namespace koi::base {
namespace {

// The first output of Matsumoto and Nishimura's mt19937ar.c for init_by_array({0x123, 0x234, 0x345,
// 0x456}), and the value that C++ demands as the 10000th of mt19937 with the seed 5489.
TEST(MersenneTwister, PublishedOutputs) {
  const uint32_t key[] = {0x123, 0x234, 0x345, 0x456};
  EXPECT_EQ(MersenneTwister::from_key(key).next(), 1067595299U);
  MersenneTwister twister = MersenneTwister::from_word(5489);
  for (int i = 1; i < 10000; ++i) twister.next();
  EXPECT_EQ(twister.next(), 4123659995U);
}

TEST(MersenneTwister, GoesOnFromAStoredState) {
  MersenneTwister twister = MersenneTwister::from_word(1);
  for (int i = 0; i < 700; ++i) twister.next();
  MersenneTwister other = MersenneTwister::from_word(2);
  other.restore(twister.state());
  EXPECT_EQ(other.state(), twister.state());
  for (int i = 0; i < 700; ++i) EXPECT_EQ(other.next(), twister.next());
}

TEST(MersenneTwister, RefusesStatesThatCannotBe) {
  MersenneTwister twister = MersenneTwister::from_word(1);
  RandomState state = twister.state();
  state.position = 625;
  EXPECT_THROW(twister.restore(state), Error);
  state.position = 0;
  state.words.pop_back();
  EXPECT_THROW(twister.restore(state), Error);
}

TEST(PythonRandom, WideBitsTakeTheLowWordFirst) {
  PythonRandom words(7);
  PythonRandom wide(7);
  const uint64_t low = words.bits(32);
  const uint64_t high = words.bits(8);
  EXPECT_EQ(wide.bits(40), low | high << 32);
}

TEST(PythonRandom, BelowStaysBelow) {
  PythonRandom random(3);
  for (int i = 0; i < 200; ++i) EXPECT_LT(random.below(5), 5U);
  EXPECT_EQ(random.below(1), 0U);
}

TEST(PythonRandom, WeightedIndexNeverGivesWeightZero) {
  PythonRandom random(3);
  const uint64_t cumulative[] = {0, 2, 2, 5, 5};
  for (int i = 0; i < 200; ++i) {
    const size_t index = random.weighted_index(cumulative);
    EXPECT_TRUE(index == 1 || index == 3) << index;
  }
}

TEST(TorchRandom, UniformStaysInItsRange) {
  TorchRandom random(3);
  for (int i = 0; i < 200; ++i) {
    const float value = random.uniform(-0.5F, 0.25F);
    EXPECT_GE(value, -0.5F);
    EXPECT_LT(value, 0.25F);
  }
}

}  // namespace
}  // namespace koi::base
