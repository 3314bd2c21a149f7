#include "koi/base/numpy_random.h"

#include <gtest/gtest.h>

namespace koi::base {
namespace {

// What numpy gives. A seed of more than 32 bits takes two words.
TEST(NumpyRandom, PublishedOutputs) {
  EXPECT_EQ(NumpyRandom(42).random(), 0.7739560485559633);
  NumpyRandom wide(uint64_t{1} << 40 | 3);
  EXPECT_EQ(wide.random(), 0.7736560850714245);
  EXPECT_EQ(wide.random(), 0.9958573802012665);
}

TEST(NumpyRandom, SkipsAsManyAsItWouldHaveDrawn) {
  NumpyRandom drawn(7);
  for (const uint64_t count : {0, 1, 2, 3, 64, 1000}) {
    for (uint64_t i = 0; i < count; ++i) drawn.random();
  }
  NumpyRandom skipped(7);
  skipped.skip(1070);
  EXPECT_EQ(skipped.random(), drawn.random());
  skipped.skip(~uint64_t{0});  // returns at once
}

}  // namespace
}  // namespace koi::base
