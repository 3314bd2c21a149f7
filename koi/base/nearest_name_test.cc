#include "koi/base/nearest_name.h"

#include <gtest/gtest.h>

namespace koi::base {
namespace {

TEST(NearestName, TheSameLastPartOrFewEdits) {
  const std::vector<std::string> names{"trainer.max_steps", "data.batch_size", "attention"};
  EXPECT_EQ(nearest_name("trainer.max_step", names), "trainer.max_steps");
  EXPECT_EQ(nearest_name("batch_size", names), "data.batch_size");
  EXPECT_EQ(nearest_name("atention", names), "attention");
  EXPECT_EQ(nearest_name("something else", names), "");
  EXPECT_EQ(nearest_name("x", {}), "");
}

}  // namespace
}  // namespace koi::base
