#include "koi/codec_train/spectral_loss.h"

#include "tests/support/tensor_near.h"

namespace koi::codec_train {
namespace {

using test::read_tensor;

// tests/goldens/codec_train/README.md. Float32 against float64: 1e-5 of the value.
TEST(StftLoss, EqualsNumpyInValueAndSlope) {
  KOI_REQUIRE_GOLDEN("codec_train/losses.json");
  const nlohmann::json record = test::read_json(test::golden("codec_train/losses.json"));
  std::vector<StftSize> sizes;
  for (const auto& size : record["sizes"])
    sizes.push_back({.n_fft = size["n_fft"], .hop = size["hop"], .window = size["window"]});
  const at::Tensor guess = read_tensor("codec_train/guess.npy").clone().requires_grad_();
  const at::Tensor loss = stft_loss(guess, read_tensor("codec_train/truth.npy"), sizes);
  const double expected = record["loss"], slope = record["slope"];
  EXPECT_NEAR(loss.item<double>(), expected, 1e-5 * expected);
  loss.backward();
  const double found =
      (guess.grad() * read_tensor("codec_train/direction.npy")).sum().item<double>();
  EXPECT_NEAR(found, slope, 1e-3 * std::abs(slope));  // the record's is a difference quotient
}

TEST(StftLoss, IsZeroForTheSameSound) {
  const at::Tensor wave = at::sin(at::arange(2000, at::kFloat) * 0.1).unsqueeze(0);
  EXPECT_EQ(stft_loss(wave, wave, {{256, 64, 256}}).item<double>(), 0);
}

TEST(MelLoss, CountsTheLowBinsOnly) {
  const at::Tensor truth = at::zeros({2, 4, 3});
  const at::Tensor guess = at::tensor({1.0F, 2.0F, 100.0F, 100.0F}).view({1, 4, 1}) + truth;
  EXPECT_EQ(mel_loss(guess, truth, 2).item<double>(), 1.5);
}

TEST(MelBins, HearNothingAboveTheBand) {
  const audio::LogMel mel;
  const int64_t bins = mel_bins_below(mel, 7000);
  const double hz_a_bin = 44100.0 / 2048;
  const auto first = static_cast<int64_t>(7000 / hz_a_bin) + 1;
  const at::Tensor above = mel.filters().narrow(0, first, 1025 - first).sum(0);  // [160]
  EXPECT_EQ(above.narrow(0, 0, bins).sum().item<double>(), 0);
  EXPECT_GT(above[bins].item<double>(), 0);
  EXPECT_EQ(mel_bins_below(mel, 22050), 160);
  EXPECT_EQ(mel_bins_below(mel, 1), 1);
}

}  // namespace
}  // namespace koi::codec_train
