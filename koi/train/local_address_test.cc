#include "koi/train/local_address.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"

namespace koi::train {
namespace {

TEST(LocalAddress, IsLoopbackTowardsLoopback) {
  EXPECT_EQ(local_address_towards("127.0.0.1"), "127.0.0.1");
  EXPECT_TRUE(is_loopback(local_address_towards("localhost")));
}

TEST(LocalAddress, SaysWhichHostIsUnknown) {
  try {
    local_address_towards("no-such-host.invalid");
    FAIL() << "the host has an address";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("no-such-host.invalid: has no address"));
  }
}

TEST(LocalAddress, KnowsLoopbackByItsNumbers) {
  EXPECT_TRUE(is_loopback("127.0.1.1"));
  EXPECT_TRUE(is_loopback("::1"));
  EXPECT_FALSE(is_loopback("10.127.0.1"));
  EXPECT_FALSE(is_loopback("fd00::1"));
}

}  // namespace
}  // namespace koi::train
