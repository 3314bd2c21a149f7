#include "koi/codec/packed_weights.h"

#include <gtest/gtest.h>

namespace koi::codec {
namespace {

// Weights of every stride and of outputs that fill no panel, on one thread and on several.
TEST(Packing, PanelsHoldTheWeights) {
  constexpr int64_t kTaps = 3, kInputs = 5, kOutputs = 20;
  const at::Tensor flat = at::arange(kTaps * kInputs * kOutputs, at::kFloat) + 1;
  const at::Tensor plain = flat.view({kTaps, kInputs, kOutputs});
  for (const size_t threads : {1, 3}) {
    Packing packing;
    const at::Tensor packed = packing.add_panels(plain);
    const at::Tensor turned =
        packing.add_panels(plain.permute({2, 1, 0}).contiguous().permute({2, 1, 0}));
    const at::Tensor doubles = packing.add_panels(plain.to(at::kDouble));
    packing.run(threads);
    ASSERT_EQ(packed.sizes(), at::IntArrayRef({2, kTaps, kInputs, kPanel}));
    for (int64_t t = 0; t < kTaps; ++t) {
      for (int64_t i = 0; i < kInputs; ++i) {
        for (int64_t o = 0; o < 2 * kPanel; ++o) {
          const float expected = o < kOutputs ? plain[t][i][o].item<float>() : 0;
          ASSERT_EQ(packed[o / kPanel][t][i][o % kPanel].item<float>(), expected);
        }
      }
    }
    EXPECT_TRUE(at::equal(turned, packed));
    EXPECT_TRUE(at::equal(doubles, packed));
  }
}

}  // namespace
}  // namespace koi::codec
