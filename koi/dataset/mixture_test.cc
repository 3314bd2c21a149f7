#include "koi/dataset/mixture.h"

#include <gtest/gtest.h>

#include <limits>

#include "koi/base/error.h"

namespace koi::dataset {
namespace {

TEST(Mixture, SharesNeedNotAddUpToOne) {
  const Mixture mixture({1, 0, 3, 0});
  EXPECT_EQ(mixture.size(), 4U);
  EXPECT_EQ(mixture.index(0), 0U);
  EXPECT_EQ(mixture.index(0.2499), 0U);
  EXPECT_EQ(mixture.index(0.25), 2U);
  EXPECT_EQ(mixture.index(1 - 0x1p-53), 2U);
}

TEST(Mixture, RoundingLeavesNoPointOver) {
  const std::vector<double> tenths(10, 0.1);  // their sum is less than 1
  EXPECT_EQ(Mixture(tenths).index(1 - 0x1p-53), 9U);
}

TEST(Mixture, SharesThatCannotBe) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const std::vector<double>& shares : std::vector<std::vector<double>>{
           {}, {0, 0}, {1, -0.5}, {nan, 1}, {infinity, 1}, {1e308, 1e308}})
    EXPECT_THROW(Mixture{shares}, Error);
}

}  // namespace
}  // namespace koi::dataset
