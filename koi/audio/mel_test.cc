#include "koi/audio/mel.h"

#include <gtest/gtest.h>

#include "koi/base/error.h"

namespace koi::audio {
namespace {

TEST(LogMel, LongAudioIsTheSameInPieces) {
  // More than two pieces of frames with these sizes, and a part that fits into one.
  const LogMel mel(
      {.sample_rate_hz = 8000, .n_fft = 64, .win_length = 64, .hop_length = 16, .n_mels = 8});
  const int64_t samples = 16 * 9000 + 5;
  const at::Tensor wave = at::sin(at::arange(samples, at::kFloat) * 0.37).mul(0.5).unsqueeze(0);
  const at::Tensor whole = mel.forward(wave);
  EXPECT_EQ(whole.sizes(), at::IntArrayRef({1, 8, 9000}));
  const int64_t first = 4090;  // across the seam at 4096
  const at::Tensor part = mel.forward(wave.narrow(1, first * 16, 16 * 40));
  // Its ends are reflected, the middle is equal but for the order of summation.
  EXPECT_TRUE(at::allclose(whole.narrow(2, first + 5, 30), part.narrow(2, 5, 30), 1e-4, 1e-4));
}

TEST(LogMel, SilenceIsTheFloor) {
  const at::Tensor mel = LogMel().forward(at::zeros({2, 4096}));
  EXPECT_EQ(mel.sizes(), at::IntArrayRef({2, 160, 8}));
  EXPECT_TRUE(mel.isfinite().all().item<bool>());
  EXPECT_GE(mel.min().item<float>(), -11.52F);  // ln(1e-5)
}

TEST(LogMel, WavesThatCannotBeReflectedAreRefused) {
  const LogMel mel;
  EXPECT_EQ(mel.min_samples(), 769);
  EXPECT_EQ(mel.forward(at::zeros({1, 769})).size(2), 1);
  EXPECT_THROW(mel.forward(at::zeros({1, 768})), Error);
  EXPECT_THROW(mel.forward(at::zeros({1, 0})), Error);
}

TEST(LogMel, ImpossibleSizesAreRefused) {
  EXPECT_THROW(LogMel({.sample_rate_hz = 0}), Error);
  EXPECT_THROW(LogMel({.n_fft = 1024}), Error);
  EXPECT_THROW(LogMel({.hop_length = 4096}), Error);
  EXPECT_THROW(LogMel({.hop_length = 0}), Error);
  EXPECT_THROW(LogMel({.n_mels = -1}), Error);
}

}  // namespace
}  // namespace koi::audio
