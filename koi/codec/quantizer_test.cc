#include "koi/codec/quantizer.h"

#include <gtest/gtest.h>

#include "koi/tensor/random.h"

namespace koi::codec {
namespace {

// A quantizer that is nothing but its FSQ: groups as wide as the digits have no projections, and
// convolutions of one tap with blocks of layer scale 0 change nothing.
Quantizer bare_quantizer(const std::vector<int64_t>& levels, int64_t groups, int64_t codebooks) {
  QuantizerConfig config;
  config.levels = levels;
  config.n_groups = groups;
  config.n_codebooks = codebooks;
  config.input_dim = groups * static_cast<int64_t>(levels.size());
  config.downsample_factor = {1};
  Quantizer quantizer(config);
  quantizer.visit("", [](const std::string& name, at::Tensor& value) {
    if (name.ends_with(".0.conv.weight")) {
      value = at::eye(value.size(0)).unsqueeze(2);
    } else {
      value = at::zeros_like(value);
    }
  });
  return quantizer;
}

at::Tensor rows(const std::vector<std::vector<double>>& values) {
  std::vector<at::Tensor> lines;
  for (const auto& line : values) lines.push_back(at::tensor(line, at::kFloat));
  return at::stack(lines).t().unsqueeze(0);  // [1, D, T]
}

void expect_codes(const Quantizer& quantizer, const at::Tensor& features,
                  const std::vector<std::vector<int64_t>>& expected) {
  const at::Tensor codes = quantizer.encode(features);
  ASSERT_EQ(codes.size(1), static_cast<int64_t>(expected.size()));
  for (size_t k = 0; k < expected.size(); ++k) {
    EXPECT_TRUE(at::equal(codes[0][static_cast<int64_t>(k)], at::tensor(expected[k]))) << k;
  }
}

void expect_decoded(const Quantizer& quantizer, const std::vector<std::vector<int64_t>>& codes,
                    const at::Tensor& expected) {
  std::vector<at::Tensor> lines;
  for (const auto& line : codes) lines.push_back(at::tensor(line));
  const at::Tensor decoded = quantizer.decode(at::stack(lines).unsqueeze(0));
  EXPECT_LE((decoded - expected).abs().max().item<double>(), 1e-6);
}

// Expected values: GroupedResidualFSQ of vector_quantize_pytorch 1.14.24.
TEST(Quantizer, ResidualSteps) {
  const Quantizer quantizer = bare_quantizer({7, 5, 4}, 2, 3);
  const std::vector<std::vector<int64_t>> codes = {{30, 111, 98, 139}, {16, 76, 63, 104},
                                                   {26, 111, 91, 139}, {67, 104, 98, 101},
                                                   {67, 104, 133, 66}, {99, 69, 126, 66}};
  expect_codes(quantizer,
               rows({{-0.125, 0.5625, -1.1875, 0.125, 1.0, -0.4375},
                     {2.4375, -2.375, 0.625, 0.9375, 1.125, -0.0625},
                     {-0.5, 0.75, -0.125, -2.6875, 0.75, 0.3125},
                     {0.5, 2.0, 0.5625, 0.0, 1.1875, -0.1875}}),
               codes);
  expect_decoded(quantizer, codes,
                 rows({{-0.3703704, 1.03125, -1.4444445, 0.3703704, 1.3125, -0.6666667},
                       {1.1944444, -1.3125, 0.5555556, 1.1944444, 1.3125, -0.0555556},
                       {-1.1944444, 1.28125, -0.1666667, -1.1944444, 1.28125, 0.2222222},
                       {1.1944444, 1.3125, 0.5555556, 0.0, 1.3125, -0.2222222}}));
}

TEST(Quantizer, OneStepPublishedLevels) {
  const Quantizer quantizer = bare_quantizer({8, 5, 5, 5}, 2, 1);
  const std::vector<std::vector<int64_t>> codes = {{435, 331, 39, 199}, {175, 991, 479, 399}};
  expect_codes(quantizer,
               rows({{-0.125, 0.5625, -1.1875, 0.125, 1.0, -0.4375, 2.4375, -2.375},
                     {-0.0625, -0.4375, 0.375, -0.3125, 1.375, 0.3125, 0.875, 0.625},
                     {0.375, 1.375, -0.75, -2.5, 1.5625, 0.8125, -0.25, 0.0625},
                     {0.875, 3.375, 2.8125, -1.8125, 1.5, 0.6875, 3.625, -0.25}}),
               codes);
  expect_decoded(quantizer, codes,
                 rows({{-0.25, 1.0, -1.0, 0.0, 0.75, -0.5, 1.0, -1.0},
                       {-0.25, -0.5, 0.5, -0.5, 0.75, 0.5, 1.0, 1.0},
                       {0.75, 1.0, -1.0, -1.0, 0.75, 1.0, -0.5, 0.0},
                       {0.75, 1.0, 1.0, -1.0, 0.75, 1.0, 1.0, -0.5}}));
}

TEST(Fsq, DigitsAndCodesAreOneToOne) {
  for (const std::vector<int64_t>& levels :
       {std::vector<int64_t>{2}, {3, 3}, {8, 5, 5, 5}, {7, 7, 7, 6, 5}}) {
    const Fsq fsq(levels);
    const at::Tensor all = at::arange(fsq.size());
    EXPECT_TRUE(at::equal(fsq.codes(fsq.dequantise(all)), all));
    // However far a value lies outside, it falls on a level.
    const at::Tensor far = at::full({2, fsq.digits()}, 1e9);
    far[1].neg_();
    const at::Tensor codes = fsq.codes(fsq.round_levels(fsq.bound(far)));
    EXPECT_EQ(codes[0].item<int64_t>(), fsq.size() - 1);
    EXPECT_EQ(codes[1].item<int64_t>(), 0);
  }
}

// With projections, residual steps and random weights.
Quantizer random_quantizer(int64_t codebooks) {
  Quantizer quantizer({.input_dim = 32,
                       .n_groups = 4,
                       .n_codebooks = codebooks,
                       .levels = {8, 5, 5},
                       .downsample_factor = {2}});
  const at::Generator random = tensor::make_generator(5);
  quantizer.visit("", [&](const std::string&, at::Tensor& value) {
    value = at::randn(value.sizes(), random, at::kFloat) * 0.3;
  });
  return quantizer;
}

// By the number of residual steps.
class SoftQuantizer : public testing::TestWithParam<int64_t> {
 protected:
  Quantizer quantizer_ = random_quantizer(GetParam());
  at::Tensor latent_ = at::randn({2, 32, 50}, tensor::make_generator(9), at::kFloat);
};

TEST_P(SoftQuantizer, WhollyRoundedGivesWhatTheCodesOfEncodingAreDecodedTo) {
  const Quantizer::Soft soft = quantizer_.quantise_softly(latent_, 1);
  at::Tensor decoded = soft.features;
  for (const auto& [conv, block] : quantizer_.upsample)
    decoded = block.forward(conv.forward(decoded));
  EXPECT_TRUE(at::equal(decoded, quantizer_.decode(quantizer_.latent_to_codes(latent_))));
}

TEST_P(SoftQuantizer, PassesTheGradientOfUnroundedValuesWhateverTheFade) {
  std::vector<at::Tensor> gradients;
  for (const double fade : {0.0, 0.3, 1.0}) {
    const at::Tensor latent = latent_.clone().requires_grad_();
    const Quantizer::Soft soft = quantizer_.quantise_softly(latent, fade);
    (soft.features * at::randn(soft.features.sizes(), tensor::make_generator(2), at::kFloat))
        .sum()
        .backward();
    gradients.push_back(latent.grad());
  }
  EXPECT_GT(gradients[0].abs().sum().item<double>(), 1);
  if (GetParam() > 1) return;  // what the second step rounds depends on the first
  EXPECT_TRUE(at::equal(gradients[0], gradients[1]));
  EXPECT_TRUE(at::equal(gradients[0], gradients[2]));
}

TEST_P(SoftQuantizer, SpreadsItsInputs) {
  const at::Tensor before = quantizer_.quantise_softly(latent_, 0).projected;
  quantizer_.spread_inputs(before, 0.25);
  const at::Tensor after = quantizer_.quantise_softly(latent_, 0).projected.flatten(0, 1);
  EXPECT_LE(after.mean(0).abs().max().item<double>(), 1e-5);
  EXPECT_LE((after.std(0) - 0.25).abs().max().item<double>(), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(ResidualSteps, SoftQuantizer, testing::Values(1, 2));

TEST(Fsq, DrawsHalfWayTowardsTheLevels) {
  const Fsq fsq({5});
  const at::Tensor bounded = at::tensor({-1.6F, -0.2F, 0.4F, 1.5F}).unsqueeze(1);
  const at::Tensor expected = at::tensor({-1.8F, -0.1F, 0.2F, 1.75F}).unsqueeze(1) / 2;
  EXPECT_LE((fsq.round_softly(bounded, 0.5) - expected).abs().max().item<double>(), 1e-6);
  EXPECT_TRUE(at::equal(fsq.round_softly(bounded, 1), fsq.round_levels(bounded)));
}

}  // namespace
}  // namespace koi::codec
