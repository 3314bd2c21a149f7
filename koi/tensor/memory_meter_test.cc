#include "koi/tensor/memory_meter.h"

#include <gtest/gtest.h>

#include "koi/tensor/torch.h"

namespace koi::tensor {
namespace {

TEST(MemoryMeter, CountsWhatIsThereAndTheMost) {
  constexpr int64_t kBytes = 4000;
  const auto make = [] { return at::ones({kBytes / 4}); };
  const auto before = make();
  const MemoryMeter meter;
  EXPECT_EQ(meter.live_bytes(), 0);
  const auto kept = make();
  { const auto dropped = make(), too = make(); }
  EXPECT_EQ(meter.live_bytes(), kBytes);
  EXPECT_EQ(meter.peak_bytes(), 3 * kBytes);
}

TEST(MemoryMeter, SeesTheBackwardPass) {
  const auto x = at::ones({1000}).requires_grad_(true);
  const MemoryMeter meter;
  x.sin().sum().backward();
  EXPECT_EQ(meter.live_bytes(), static_cast<int64_t>(x.grad().nbytes()));
  EXPECT_GT(meter.peak_bytes(), 2 * meter.live_bytes());
}

}  // namespace
}  // namespace koi::tensor
