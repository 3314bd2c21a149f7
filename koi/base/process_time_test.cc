#include "koi/base/process_time.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace koi::base {
namespace {

TEST(ProcessTime, GoesOnFromTheStart) {
  const double first = seconds_since_start();
  EXPECT_GE(first, -0.02);
  EXPECT_LT(first, 900);  // a test program's longest time
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const double later = seconds_since_start();
  EXPECT_GE(later - first, 0.05);
  EXPECT_LT(later - first, 60);
}

}  // namespace
}  // namespace koi::base
