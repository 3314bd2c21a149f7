#include "koi/codec/firefly.h"

#include <gmock/gmock.h>

#include <fstream>

#include "koi/base/error.h"
#include "koi/base/process_memory.h"
#include "koi/checkpoint/pth.h"
#include "koi/codec/init.h"
#include "koi/tensor/bridge.h"
#include "koi/tensor/device.h"
#include "tests/support/temp_dir.h"

namespace koi::codec {
namespace {

Firefly tiny_codec(FireflyConfig config = tiny_config()) {
  tensor::set_threads(1);
  Firefly model(std::move(config));
  randomize(model, 5);
  return model;
}

// A chirp with some noise: no two places alike.
at::Tensor make_wave(int64_t samples) {
  const at::Tensor t = at::arange(samples, at::kFloat) / 44100.0;
  const at::Tensor noise = at::sin(at::arange(samples, at::kDouble) * 12.9898) * 43758.5453;
  return (0.4 * at::sin(600 * t * (1 + t)) + 0.05 * at::frac(noise).to(at::kFloat))
      .view({1, 1, -1});
}

// A little more than one window, so that there is a seam.
TEST(Firefly, LongAudioIsEncodedAsIfInOnePiece) {
  const Firefly model = tiny_codec();
  const int64_t columns = 1100;
  const at::Tensor wave = make_wave(columns * model.config().samples_per_column() + 700);
  at::Tensor latent;
  const Trace keep = [&](const std::string& stage, const at::Tensor& value) {
    if (stage == "latent") latent = latent.defined() ? at::cat({latent, value}, 2) : value;
  };
  const Encoded encoded = model.encode(wave, {wave.size(2)}, keep);
  EXPECT_EQ(encoded.codes.size(2), model.columns(wave.size(2)));
  const int64_t overlap = latent.size(2) - encoded.codes.size(2);
  ASSERT_GT(overlap, 0);

  const audio::LogMel mel;
  at::Tensor whole;
  model.quantizer.encode(model.backbone.forward(mel.forward(wave[0])),
                         [&](const std::string& stage, const at::Tensor& value) {
                           if (stage == "latent") whole = value;
                         });
  const int64_t seam = 1024;
  const auto expect_same = [](const at::Tensor& a, const at::Tensor& b) {
    ASSERT_EQ(a.sizes(), b.sizes());
    EXPECT_LE((a - b).abs().max().item<double>(), 5e-4);  // float32 sums in another order
  };
  expect_same(latent.narrow(2, 0, seam), whole.narrow(2, 0, seam));
  expect_same(latent.slice(2, seam + overlap), whole.slice(2, seam));

  // On rows, whose pieces are others: all but what lies at an edge between two codes.
  const at::Tensor codes = model.encode(wave, {wave.size(2)}).codes;
  ASSERT_EQ(codes.sizes(), encoded.codes.sizes());
  EXPECT_LE(codes.ne(encoded.codes).sum().item<int64_t>(), codes.numel() / 1000);
}

TEST(Firefly, LongCodesAreDecodedAsIfInOnePiece) {
  const Firefly model = tiny_codec();
  const int64_t columns = 300;
  const at::Tensor codes =
      (at::arange(8 * columns).view({1, 8, columns}) * 7919) % model.config().codebook_size();
  const at::Tensor whole = model.head.forward(model.quantizer.decode(codes));
  const at::Tensor audio = model.decode(codes, {columns});
  ASSERT_EQ(audio.sizes(), whole.sizes());
  EXPECT_LE((audio - whole).abs().max().item<double>(), 1e-4);  // as for a batch's rows
}

// Three minutes more: their mel spectrogram, masked and not, and their features would take 25 MB.
TEST(Firefly, EncodingTakesLittleBesideTheWave) {
  const Firefly model = tiny_codec();
  const at::Tensor wave = make_wave(240 * int64_t{44100});
  const auto growth = [&](int64_t seconds) {
    std::ofstream("/proc/self/clear_refs") << 5;  // the peak counts anew
    const int64_t before = base::process_memory().peak_bytes;
    model.encode(wave.narrow(2, 0, seconds * 44100), {seconds * 44100});
    return base::process_memory().peak_bytes - before;
  };
  growth(60);  // what is kept from the first run on
  const int64_t of_a_minute = growth(60);
  EXPECT_LT(growth(240), of_a_minute + (12 << 20));
}

// What lies further left than the context that windows take along changes nothing; what lies
// directly before does.
TEST(Firefly, DecoderSeesNoMoreThanItsContext) {
  const Firefly model = tiny_codec();
  const int64_t context = model.quantizer.decode_context(model.head.context());
  const int64_t columns = context + 2;
  at::Tensor codes = at::full({1, 8, columns}, 500, at::kLong);
  const auto last_column = [&] {
    return model.decode(codes, {columns}).slice(2, (columns - 1) * 2048).clone();
  };
  const at::Tensor before = last_column();
  codes.select(2, 0).fill_(3);  // context + 1 columns before the last
  EXPECT_EQ((last_column() - before).abs().max().item<double>(), 0);
  codes.select(2, columns - 2).fill_(3);
  EXPECT_GT((last_column() - before).abs().max().item<double>(), 0);
}

TEST(Firefly, RefusesWhatDoesNotFit) {
  const Firefly model = tiny_codec();
  EXPECT_THROW(model.decode(at::zeros({1, 7, 2}, at::kLong), {2}), Error);
  EXPECT_THROW(model.decode(at::full({1, 8, 2}, 1000, at::kLong), {2}), Error);
  EXPECT_THROW(model.decode(at::zeros({1, 8, 2}, at::kLong), {3}), Error);
  EXPECT_THROW(model.decode(at::zeros({2, 8, 2}, at::kLong), {2}), Error);
  EXPECT_THROW(model.encode(make_wave(768), {768}), Error);
  EXPECT_EQ(model.decode(at::zeros({1, 8, 0}, at::kLong), {0}).size(2), 0);
}

// Sizes that no published codec has, through a checkpoint file.
TEST(Firefly, OtherSizes) {
  FireflyConfig config = tiny_config();
  config.backbone.depths = {1, 1};
  config.backbone.dims = {12, 18};
  config.backbone.kernel_size = 5;
  config.quantizer = {.input_dim = 18,
                      .n_groups = 3,
                      .n_codebooks = 2,
                      .levels = {5, 4},
                      .downsample_factor = {3, 2}};
  config.head.num_mels = 18;
  config.head.upsample_initial_channel = 24;
  config.head.upsample_rates = {16, 32};
  config.head.upsample_kernel_sizes = {32, 33};
  config.head.resblock_kernel_sizes = {3};
  config.head.resblock_dilation_sizes = {{1, 2}};
  const test::TempDir folder;
  const auto path = folder / "codec.pth";
  init_codec(config, 7, path);
  const Firefly model = load_firefly(path, config_for(path));
  const int64_t samples = 7 * 3072 + 900;
  const Encoded encoded = model.encode(make_wave(samples), {samples});
  EXPECT_EQ(encoded.codes.sizes(), at::IntArrayRef({1, 6, 8}));
  EXPECT_EQ(encoded.feature_lengths[0], 7);
  EXPECT_LT(encoded.codes.max().item<int64_t>(), 20);
  const at::Tensor audio = model.decode(encoded.codes, {7});
  EXPECT_EQ(audio.size(2), 8 * 3072);
  EXPECT_GT(audio.abs().max().item<double>(), 0.01);
  EXPECT_EQ(audio.slice(2, 7 * 3072).abs().max().item<double>(), 0);
}

}  // namespace
}  // namespace koi::codec
