// The sizes of a Firefly GAN VQ codec, under the names of the reference's firefly_gan_vq.yaml.
// Source: the spec of fish-speech 1.4's published file; the defaults are its values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "koi/base/files.h"

namespace koi::codec {

// The log-mel spectrogram that the encoder sees.
struct SpectrogramConfig {
  int64_t sample_rate = 44100;  // Hz
  int64_t n_mels = 160;
  int64_t n_fft = 2048;  // samples
  int64_t hop_length = 512;
  int64_t win_length = 2048;
};

// ConvNeXt encoder: stage i has depths[i] blocks of width dims[i].
struct BackboneConfig {
  int64_t input_channels = 160;
  std::vector<int64_t> depths = {3, 3, 9, 3};
  std::vector<int64_t> dims = {128, 256, 384, 512};
  double drop_path_rate = 0.2;  // of training; nothing here depends on it
  int64_t kernel_size = 7;
};

// HiFi-GAN generator: one transposed convolution and one group of residual blocks per rate.
struct HeadConfig {
  int64_t hop_length = 512;  // product of the rates
  std::vector<int64_t> upsample_rates = {8, 8, 2, 2, 2};
  std::vector<int64_t> upsample_kernel_sizes = {16, 16, 4, 4, 4};
  std::vector<int64_t> resblock_kernel_sizes = {3, 7, 11};
  std::vector<std::vector<int64_t>> resblock_dilation_sizes = {{1, 3, 5}, {1, 3, 5}, {1, 3, 5}};
  int64_t num_mels = 512;  // channels that come in
  int64_t upsample_initial_channel = 512;
  int64_t pre_conv_kernel_size = 13;
  int64_t post_conv_kernel_size = 13;
};

// Grouped residual finite scalar quantizer (Mentzer et al. 2023) behind strided convolutions.
struct QuantizerConfig {
  int64_t input_dim = 512;
  int64_t n_groups = 8;
  int64_t n_codebooks = 1;  // residual steps in a group
  std::vector<int64_t> levels = {8, 5, 5, 5};
  std::vector<int64_t> downsample_factor = {2, 2};
};

struct FireflyConfig {
  SpectrogramConfig spec_transform;
  BackboneConfig backbone;
  HeadConfig head;
  QuantizerConfig quantizer;

  int64_t codebooks() const { return quantizer.n_groups * quantizer.n_codebooks; }  // K
  int64_t codebook_size() const;      // product of the levels: codes are 0 .. this - 1
  int64_t frames_per_column() const;  // mel frames a code column, 4
  int64_t samples_per_column() const { return frames_per_column() * spec_transform.hop_length; }
};

// The published size (547 tensors, 47 M values).
FireflyConfig full_size_config();
// A codec of 0.3 M values with the published number of codebooks and code rate, for trials and
// tests.
FireflyConfig tiny_config();

// A firefly_gan_vq.yaml. `_target_` keys name the reference's classes and are accepted; absent keys
// take the defaults above. Throws Error(config) naming `where` and the key for unknown keys, wrong
// types, and sizes that do not fit together; Error(not_found, io) for the file.
FireflyConfig parse_config(const std::string& yaml, const std::string& where);
FireflyConfig read_config(const base::fs::path& path);

// The same, written: parse_config(config_yaml(c)) gives c.
std::string config_yaml(const FireflyConfig& config);

// Throws Error(config, where) where sizes are impossible or do not fit together.
void check_config(const FireflyConfig& config, const std::string& where);

// The config of a checkpoint file. `name` is that of --config-name: a path that ends in .yaml is
// read; else NAME.yaml beside the checkpoint, where there is one; else for "firefly_gan_vq" the
// published size. Throws Error(not_found) for another name without a file.
// Differs: the reference looks only in its own configs folder, so a codec of another size needs a
// change of the program there.
inline constexpr char kConfigName[] = "firefly_gan_vq";
FireflyConfig config_for(const base::fs::path& checkpoint, const std::string& name = kConfigName);

}  // namespace koi::codec
