#include <algorithm>

#include "koi/base/error.h"
#include "koi/codec/config.h"

namespace koi::codec {
namespace {

// No size of a real codec comes near; what is larger would only exhaust memory.
constexpr int64_t kLargest = 1 << 16;
constexpr int64_t kMostEntries = 64;

class Checker {
 public:
  explicit Checker(const std::string& where) : where_(where) {}

  void require(bool holds, const std::string& what) const {
    if (!holds) throw Error(ErrorKind::config, where_, what);
  }
  void size(const std::string& key, int64_t value) const {
    require(value >= 1 && value <= kLargest, key + " is " + std::to_string(value) + ", 1 to " +
                                                 std::to_string(kLargest) + " was expected");
  }
  void sizes(const std::string& key, const std::vector<int64_t>& values) const {
    const auto count = static_cast<int64_t>(values.size());
    require(count >= 1 && count <= kMostEntries,
            key + " has " + std::to_string(count) + " entries, 1 to " +
                std::to_string(kMostEntries) + " were expected");
    for (const int64_t value : values) size(key, value);
  }
  void same(const std::string& key, int64_t value, const std::string& other,
            int64_t expected) const {
    require(value == expected, key + " is " + std::to_string(value) + ", but " + other + " is " +
                                   std::to_string(expected) + "; they must be equal");
  }
  // The product of positive numbers, at most kLargest.
  int64_t product(const std::string& key, const std::vector<int64_t>& values) const {
    int64_t result = 1;
    for (const int64_t value : values) {
      result *= value;
      require(result <= kLargest,
              "the product of " + key + " is more than " + std::to_string(kLargest));
    }
    return result;
  }

 private:
  const std::string& where_;
};

int64_t length(const auto& values) { return static_cast<int64_t>(values.size()); }

void check_spectrogram(const Checker& check, const SpectrogramConfig& c) {
  check.require(c.sample_rate >= 1000 && c.sample_rate <= 768000,
                "spec_transform.sample_rate is " + std::to_string(c.sample_rate) +
                    " Hz, 1000 to 768000 was expected");
  check.size("spec_transform.n_mels", c.n_mels);
  check.size("spec_transform.n_fft", c.n_fft);
  check.size("spec_transform.hop_length", c.hop_length);
  check.size("spec_transform.win_length", c.win_length);
  check.require(c.win_length <= c.n_fft && c.hop_length <= c.win_length,
                "spec_transform: hop_length <= win_length <= n_fft was expected");
}

void check_backbone(const Checker& check, const BackboneConfig& c) {
  check.size("backbone.input_channels", c.input_channels);
  check.size("backbone.kernel_size", c.kernel_size);
  check.sizes("backbone.dims", c.dims);
  check.sizes("backbone.depths", c.depths);
  check.same("the length of backbone.depths", length(c.depths), "that of backbone.dims",
             length(c.dims));
  for (const int64_t depth : c.depths)
    check.require(depth <= kMostEntries,
                  "backbone.depths holds a number over " + std::to_string(kMostEntries));
}

void check_head(const Checker& check, const HeadConfig& c) {
  check.sizes("head.upsample_rates", c.upsample_rates);
  check.sizes("head.upsample_kernel_sizes", c.upsample_kernel_sizes);
  check.sizes("head.resblock_kernel_sizes", c.resblock_kernel_sizes);
  check.size("head.num_mels", c.num_mels);
  check.size("head.upsample_initial_channel", c.upsample_initial_channel);
  check.size("head.pre_conv_kernel_size", c.pre_conv_kernel_size);
  check.size("head.post_conv_kernel_size", c.post_conv_kernel_size);
  check.same("the length of head.upsample_kernel_sizes", length(c.upsample_kernel_sizes),
             "that of head.upsample_rates", length(c.upsample_rates));
  check.same("the length of head.resblock_dilation_sizes", length(c.resblock_dilation_sizes),
             "that of head.resblock_kernel_sizes", length(c.resblock_kernel_sizes));
  for (const auto& dilations : c.resblock_dilation_sizes)
    check.sizes("head.resblock_dilation_sizes", dilations);
  for (size_t i = 0; i < c.upsample_rates.size(); ++i)
    check.require(c.upsample_kernel_sizes[i] >= c.upsample_rates[i],
                  "head.upsample_kernel_sizes holds a kernel shorter than its rate");
  check.require(c.upsample_initial_channel >> c.upsample_rates.size() >= 1,
                "head.upsample_initial_channel is too small to be halved at every rate");
  check.same("head.hop_length", c.hop_length, "the product of head.upsample_rates",
             check.product("head.upsample_rates", c.upsample_rates));
}

void check_quantizer(const Checker& check, const QuantizerConfig& c) {
  check.size("quantizer.input_dim", c.input_dim);
  check.size("quantizer.n_groups", c.n_groups);
  check.require(c.n_codebooks >= 1 && c.n_codebooks <= kMostEntries,
                "quantizer.n_codebooks is " + std::to_string(c.n_codebooks) + ", 1 to " +
                    std::to_string(kMostEntries) + " was expected");
  check.require(c.input_dim % c.n_groups == 0,
                "quantizer.input_dim is " + std::to_string(c.input_dim) +
                    ", a multiple of n_groups (" + std::to_string(c.n_groups) + ") was expected");
  check.sizes("quantizer.levels", c.levels);
  for (const int64_t level : c.levels)
    check.require(level >= 2, "quantizer.levels holds a number under 2");
  check.product("quantizer.levels", c.levels);
  check.sizes("quantizer.downsample_factor", c.downsample_factor);
  check.product("quantizer.downsample_factor", c.downsample_factor);
}

}  // namespace

void check_config(const FireflyConfig& config, const std::string& where) {
  const Checker check(where);
  check_spectrogram(check, config.spec_transform);
  check_backbone(check, config.backbone);
  check_head(check, config.head);
  check_quantizer(check, config.quantizer);
  check.same("backbone.input_channels", config.backbone.input_channels, "spec_transform.n_mels",
             config.spec_transform.n_mels);
  check.same("quantizer.input_dim", config.quantizer.input_dim, "the last of backbone.dims",
             config.backbone.dims.back());
  check.same("head.num_mels", config.head.num_mels, "quantizer.input_dim",
             config.quantizer.input_dim);
  check.same("head.hop_length", config.head.hop_length, "spec_transform.hop_length",
             config.spec_transform.hop_length);
}

}  // namespace koi::codec
