#include "koi/kernels/read_speed.h"

#include <gmock/gmock.h>

namespace koi::kernels {
namespace {

TEST(ReadSpeed, IsThatOfAMemory) {
  Team team(2);
  const double speed = measure_read_speed(team);
  EXPECT_GT(speed, 1e8);
  EXPECT_LT(speed, 1e13);
}

}  // namespace
}  // namespace koi::kernels
