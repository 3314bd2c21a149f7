#include "koi/codec/config.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"
#include "tests/support/temp_dir.h"

namespace koi::codec {
namespace {

std::string error_of(const std::string& yaml) {
  try {
    parse_config(yaml, "x.yaml");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::config);
    return error.what();
  }
  return "none";
}

TEST(CodecConfig, DefaultsAreThePublishedFile) {
  const FireflyConfig published =
      read_config(base::fs::path(KOI_SOURCE_DIR) / "configs/firefly_gan_vq.yaml");
  EXPECT_EQ(config_yaml(published), config_yaml(full_size_config()));
  EXPECT_EQ(published.codebooks(), 8);
  EXPECT_EQ(published.codebook_size(), 1000);
  EXPECT_EQ(published.samples_per_column(), 2048);
}

TEST(CodecConfig, WrittenAndReadBack) {
  FireflyConfig config = tiny_config();
  config.quantizer.levels = {7, 3};
  config.quantizer.downsample_factor = {2, 3};
  config.head.resblock_kernel_sizes = {3};
  config.head.resblock_dilation_sizes = {{1, 2}};
  config.backbone.drop_path_rate = 0;
  const FireflyConfig read = parse_config(config_yaml(config), "x.yaml");
  EXPECT_EQ(config_yaml(read), config_yaml(config));
  EXPECT_EQ(read.quantizer.levels, config.quantizer.levels);
  EXPECT_EQ(read.head.resblock_dilation_sizes, config.head.resblock_dilation_sizes);
}

TEST(CodecConfig, ErrorsNameTheKey) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"quantizer: {n_group: 8}", "quantizer: n_group"},
      {"decoder: {}", "decoder"},
      {"quantizer: {levels: 8}", "levels"},
      {"quantizer: {levels: [8, x]}", "levels"},
      {"quantizer: {n_groups: 7}", "n_groups"},
      {"quantizer: {levels: [1000000, 1000000, 1000000, 1000000]}", "levels"},
      {"quantizer: {levels: [60000, 60000, 60000]}", "levels"},
      {"backbone: {dims: []}", "dims"},
      {"backbone: {depths: [1]}", "depths"},
      {"backbone: {dims: [8, 8, 8, 9223372036854775807]}", "dims"},
      {"backbone: {kernel_size: 0}", "kernel_size"},
      {"backbone: {depths: [3, 3, 60000, 3]}", "depths"},
      {"head: {upsample_rates: [8, 8, 2, 2, 4]}", "hop_length"},
      {"head: {upsample_initial_channel: 16}", "upsample_initial_channel"},
      {"head: {upsample_kernel_sizes: [4, 16, 4, 4, 4]}", "upsample_kernel_sizes"},
      {"spec_transform: {n_fft: 1024}", "win_length"},
      {"spec_transform: {n_mels: -1}", "n_mels"},
      {"spec_transform: [1]", "spec_transform"},
      {"3", "x.yaml"},
  };
  for (const auto& [yaml, key] : cases)
    EXPECT_THAT(error_of(yaml), testing::HasSubstr(key)) << yaml;
}

TEST(CodecConfig, OfACheckpoint) {
  const test::TempDir folder;
  const auto checkpoint = folder / "some.pth";
  EXPECT_EQ(config_yaml(config_for(checkpoint)), config_yaml(full_size_config()));
  base::write_file(folder / "firefly_gan_vq.yaml", config_yaml(tiny_config()));
  EXPECT_EQ(config_yaml(config_for(checkpoint)), config_yaml(tiny_config()));
  EXPECT_THROW(config_for(checkpoint, "other"), Error);
  FireflyConfig other = tiny_config();
  other.quantizer.n_codebooks = 2;
  base::write_file(folder / "other.yaml", config_yaml(other));
  EXPECT_EQ(config_for(checkpoint, "other").codebooks(), 16);
  EXPECT_EQ(config_for("else/where.pth", (folder / "other.yaml").string()).codebooks(), 16);
}

}  // namespace
}  // namespace koi::codec
