#include "koi/codec/flops.h"

#include <gtest/gtest.h>

namespace koi::codec {
namespace {

// As counted of the reference for a second of audio: 3.71 and 56.9 GFLOP.
TEST(CodecFlops, PublishedSize) {
  const FireflyConfig config;
  const double columns_per_s = 44100.0 / static_cast<double>(config.samples_per_column());
  EXPECT_NEAR(encode_flops(config) * columns_per_s * 1e-9, 3.71, 0.05);
  EXPECT_NEAR(decode_flops(config) * columns_per_s * 1e-9, 56.9, 0.5);
}

}  // namespace
}  // namespace koi::codec
