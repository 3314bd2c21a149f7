#include "koi/codec/flops.h"

namespace koi::codec {
namespace {

// Of a convolution for each place where its kernel is laid.
double conv(int64_t in, int64_t out, int64_t kernel) {
  return 2 * static_cast<double>(in * out * kernel);
}

// Of a ConvNeXt block for each position.
double block(int64_t width, int64_t kernel) {
  return conv(1, width, kernel) + 2 * conv(width, 4 * width, 1);
}

constexpr int64_t kQuantizerKernel = 7;

double projection(const QuantizerConfig& c) {
  return static_cast<double>(c.n_codebooks) *
         conv(static_cast<int64_t>(c.levels.size()), c.input_dim, 1);
}

}  // namespace

double encode_flops(const FireflyConfig& config) {
  const BackboneConfig& c = config.backbone;
  auto positions = static_cast<double>(config.frames_per_column());
  double flops = 0;
  for (size_t i = 0; i < c.dims.size(); ++i) {
    flops += positions * (i == 0 ? conv(c.input_channels, c.dims[0], c.kernel_size)
                                 : conv(c.dims[i - 1], c.dims[i], 1));
    flops += positions * static_cast<double>(c.depths[i]) * block(c.dims[i], c.kernel_size);
  }
  const int64_t width = config.quantizer.input_dim;
  for (const int64_t factor : config.quantizer.downsample_factor) {
    positions /= static_cast<double>(factor);
    flops += positions * (conv(width, width, factor) + block(width, kQuantizerKernel));
  }
  return flops + projection(config.quantizer);
}

double decode_flops(const FireflyConfig& config) {
  double flops = projection(config.quantizer);
  double positions = 1;
  int64_t width = config.quantizer.input_dim;
  for (const int64_t factor : config.quantizer.downsample_factor) {
    flops += positions * conv(width, width, factor);
    positions *= static_cast<double>(factor);
    flops += positions * block(width, kQuantizerKernel);
  }
  const HeadConfig& c = config.head;
  width = c.upsample_initial_channel;
  flops += positions * conv(c.num_mels, width, c.pre_conv_kernel_size);
  for (size_t i = 0; i < c.upsample_rates.size(); ++i) {
    flops += positions * conv(width, width / 2, c.upsample_kernel_sizes[i]);
    positions *= static_cast<double>(c.upsample_rates[i]);
    width /= 2;
    for (size_t j = 0; j < c.resblock_kernel_sizes.size(); ++j)
      flops += positions * 2 * static_cast<double>(c.resblock_dilation_sizes[j].size()) *
               conv(width, width, c.resblock_kernel_sizes[j]);
  }
  return flops + positions * conv(width, 1, c.post_conv_kernel_size);
}

}  // namespace koi::codec
