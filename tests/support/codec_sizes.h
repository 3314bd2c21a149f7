// Codecs of several sizes for tests.
#pragma once

#include <ostream>

#include "koi/codec/config.h"
#include "koi/codec/firefly.h"
#include "koi/codec/init.h"

namespace koi::test {

// The published layers, an eighth as wide.
inline codec::FireflyConfig narrow_codec() {
  codec::FireflyConfig config;
  config.backbone.dims = {16, 32, 48, 64};
  config.head.num_mels = 64;
  config.head.upsample_initial_channel = 64;
  config.quantizer.input_dim = 64;
  return config;
}

// Kernels that are no multiple of their rate or shorter than others, residual steps, odd widths.
inline codec::FireflyConfig odd_codec() {
  codec::FireflyConfig config = codec::tiny_config();
  config.backbone.depths = {1, 2};
  config.backbone.dims = {19, 27};
  config.backbone.kernel_size = 4;
  config.quantizer = {.input_dim = 27,
                      .n_groups = 3,
                      .n_codebooks = 2,
                      .levels = {5, 4},
                      .downsample_factor = {3, 2}};
  config.head.num_mels = 27;
  config.head.upsample_initial_channel = 21;
  config.head.upsample_rates = {16, 32};
  config.head.upsample_kernel_sizes = {35, 33};
  config.head.resblock_kernel_sizes = {3, 2};
  config.head.resblock_dilation_sizes = {{1, 40}, {7, 1}};
  return config;
}

struct CodecSizes {
  const char* name;
  codec::FireflyConfig (*config)();

  codec::Firefly make() const {
    codec::Firefly model(config());
    codec::randomize(model, 5);
    return model;
  }
  friend void PrintTo(const CodecSizes& sizes, std::ostream* out) { *out << sizes.name; }
};

inline constexpr CodecSizes kTinyCodec{"tiny", codec::tiny_config};
inline constexpr CodecSizes kNarrowCodec{"narrow", narrow_codec};
inline constexpr CodecSizes kOddCodec{"odd", odd_codec};

}  // namespace koi::test
