#include "koi/codec/init.h"

#include <gtest/gtest.h>

#include "koi/tensor/device.h"
#include "tests/support/temp_dir.h"

namespace koi::codec {
namespace {

TEST(InitCodec, SameSeedSameFile) {
  const test::TempDir folder;
  init_codec(tiny_config(), 1, folder / "a.pth");
  const std::string first = base::read_file(folder / "a.pth");
  init_codec(tiny_config(), 1, folder / "a.pth");
  EXPECT_EQ(base::read_file(folder / "a.pth"), first);
  init_codec(tiny_config(), 2, folder / "a.pth");
  EXPECT_NE(base::read_file(folder / "a.pth"), first);
}

// Loaded back, it makes sound out of codes, and different codes out of sound.
TEST(InitCodec, SoundsAndHears) {
  tensor::set_threads(1);
  const test::TempDir folder;
  const auto path = folder / "codec.pth";
  init_codec(tiny_config(), 42, path);
  const Firefly model = load_firefly(path, config_for(path));
  const at::Tensor codes = (at::arange(8 * 20).view({1, 8, 20}) * 613) % 1000;
  const at::Tensor audio = model.decode(codes, {20});
  const auto rms = audio.square().mean().sqrt().item<double>();
  EXPECT_GT(rms, 0.02);
  EXPECT_LT(rms, 0.7);
  const Encoded encoded = model.encode(audio, {audio.size(2)});
  EXPECT_GE(std::get<0>(at::_unique(encoded.codes)).numel(), 40);
}

}  // namespace
}  // namespace koi::codec
