#include "koi/codec/row_encoder.h"

#include <gtest/gtest.h>

#include "koi/tensor/device.h"
#include "tests/support/codec_sizes.h"

namespace koi::codec {
namespace {

class RowEncoderOf : public testing::TestWithParam<test::CodecSizes> {};

// Against the layers on tensors; lengths that end in every place of the last strides, and one of
// several pieces.
TEST_P(RowEncoderOf, EqualsTheTensorsLayers) {
  tensor::set_threads(2);
  const Firefly codec = GetParam().make();
  for (const int64_t frames : {1, 2, 3, 4, 5, 6, 7, 8, 11, 600}) {
    const at::Tensor mel = at::sin(at::arange(frames * 160, at::kFloat) * 12.9898).view({-1, 160});
    const int64_t kept = frames - frames / 3;
    at::Tensor features = codec.backbone.forward(mel.t().unsqueeze(0));
    features.narrow(2, kept, frames - kept).zero_();
    at::Tensor plain;
    codec.quantizer.encode(features, [&](const std::string& stage, const at::Tensor& value) {
      if (stage == "latent") plain = value[0].t();
    });
    RowEncoder::State state = codec.row_encoder()->start(2);
    const at::Tensor latent = codec.row_encoder()->forward(state, mel, kept);
    ASSERT_EQ(latent.sizes(), plain.sizes()) << frames;
    // float32 sums in another order
    EXPECT_LE((latent - plain).abs().max().item<double>(), 2e-5) << frames;
    EXPECT_GT(plain.abs().max().item<double>(), 0.1);
  }
  tensor::set_threads(1);
}

// What a file's codes are must not depend on how it is read.
TEST_P(RowEncoderOf, AnySplitGivesTheSameBits) {
  const Firefly codec = GetParam().make();
  const int64_t per_column = codec.config().frames_per_column();
  const int64_t frames = 50 * per_column - 1;
  const at::Tensor mel = at::sin(at::arange(frames * 160, at::kFloat) * 12.9898).view({-1, 160});
  const std::shared_ptr<const RowEncoder> encoder = codec.row_encoder();
  RowEncoder::State whole = encoder->start(1);
  const at::Tensor expected = encoder->forward(whole, mel, frames);
  RowEncoder::State state = encoder->start(3);
  std::vector<at::Tensor> parts;
  int64_t begin = 0;
  for (const int64_t columns : {1, 1, 7, 20, 3, 18}) {
    const int64_t count = std::min(columns * per_column, frames - begin);
    parts.push_back(encoder->forward(state, mel.narrow(0, begin, count), count));
    begin += count;
  }
  EXPECT_EQ(begin, frames);
  EXPECT_TRUE(at::equal(at::cat(parts), expected));
}

INSTANTIATE_TEST_SUITE_P(Sizes, RowEncoderOf,
                         testing::Values(test::kTinyCodec, test::kNarrowCodec, test::kOddCodec),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace koi::codec
