#include "koi/base/process_memory.h"

#include <gtest/gtest.h>

#include <vector>

namespace koi::base {
namespace {

TEST(ProcessMemory, GrowsWithWhatIsTouchedAndRemembersThePeak) {
  constexpr int64_t kBytes = int64_t{64} << 20;
  constexpr int64_t kSlack = int64_t{8} << 20;  // what else comes and goes
  const ProcessMemory before = process_memory();
  ProcessMemory with_it;
  {
    const std::vector<char> touched(kBytes, 1);
    with_it = process_memory();
    EXPECT_EQ(touched.back(), 1);
  }
  const ProcessMemory after = process_memory();
  EXPECT_NEAR(with_it.resident_bytes - before.resident_bytes, kBytes, kSlack);
  EXPECT_LT(after.resident_bytes, with_it.resident_bytes - kBytes + kSlack);
  EXPECT_GE(after.peak_bytes, with_it.resident_bytes - kSlack);
  forget_peak_memory();
  EXPECT_LT(process_memory().peak_bytes, after.peak_bytes - kBytes + 2 * kSlack);
}

}  // namespace
}  // namespace koi::base
