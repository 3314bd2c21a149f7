#include "koi/codec_train/discriminators.h"

#include <gtest/gtest.h>

#include "koi/tensor/random.h"

namespace koi::codec_train {
namespace {

at::Tensor noise(int64_t samples) {
  return at::randn({2, 1, samples}, tensor::make_generator(3), at::kFloat);
}

const DiscriminatorConfig kSmall{.periods = {2, 5}, .windows = {64, 256}, .channels = 3};

TEST(Discriminators, JudgeByPeriodAndByWindow) {
  const auto judgements = Discriminators(kSmall, 1).forward(noise(1001));
  ASSERT_EQ(judgements.size(), 4U);
  // 1001 samples in columns of 5: 201 rows; a third of them three times, then one a row.
  std::vector<std::vector<int64_t>> shapes;
  for (const at::Tensor& feature : judgements[1].features) shapes.push_back(feature.sizes().vec());
  EXPECT_EQ(shapes, (std::vector<std::vector<int64_t>>{
                        {2, 3, 67, 5}, {2, 6, 23, 5}, {2, 12, 8, 5}, {2, 12, 8, 5}}));
  EXPECT_EQ(judgements[1].score.sizes().vec(), (std::vector<int64_t>{2, 1, 8, 5}));
  // Windows of 64, hop 16: (1001 - 64) / 16 + 1 = 59 frames of 33 bins, halved twice.
  EXPECT_EQ(judgements[2].features[0].sizes().vec(), (std::vector<int64_t>{2, 3, 59, 33}));
  EXPECT_EQ(judgements[2].score.sizes().vec(), (std::vector<int64_t>{2, 1, 59, 9}));
}

TEST(Discriminators, EqualSeedsGiveEqualOnes) {
  const auto score = [](uint64_t seed) {
    return Discriminators(kSmall, seed).forward(noise(512))[0].score;
  };
  EXPECT_TRUE(at::equal(score(1), score(1)));
  EXPECT_FALSE(at::equal(score(1), score(2)));
}

TEST(Discriminators, LearnToTellNoiseFromSilence) {
  Discriminators discriminators(kSmall, 1);
  std::vector<at::Tensor> all;
  discriminators.visit(
      "", [&](const std::string&, at::Tensor& value) { all.push_back(value.requires_grad_()); });
  EXPECT_EQ(all.size(), 40U);  // four of five layers, weight and bias
  double first = 0, last = 0;
  for (int step = 0; step < 30; ++step) {
    const auto real = discriminators.forward(noise(512));
    const auto fake = discriminators.forward(at::zeros({2, 1, 512}));
    const at::Tensor loss = discriminator_loss(real, fake);
    loss.backward();
    last = loss.item<double>();
    if (step == 0) first = last;
    const at::NoGradGuard no_grad;
    for (at::Tensor& value : all) {
      ASSERT_TRUE(value.grad().defined());
      value.sub_(value.grad() * 0.01);
      value.mutable_grad().reset();
    }
  }
  EXPECT_LT(last, 0.7 * first);
}

TEST(AdversarialLosses, AreMeansOverTheDiscriminators) {
  const std::vector<Judgement> real = {{at::ones({2, 3}), {at::full({2, 2}, 2.0)}},
                                       {at::zeros({2, 1}), {at::full({2, 2}, 4.0)}}};
  const std::vector<Judgement> fake = {{at::zeros({2, 3}), {at::full({2, 2}, 1.0)}},
                                       {at::full({2, 1}, 0.5), {at::full({2, 2}, 4.0)}}};
  EXPECT_DOUBLE_EQ(discriminator_loss(real, fake).item<double>(), (0 + 0 + 1 + 0.25) / 2);
  EXPECT_DOUBLE_EQ(adversarial_loss(fake).item<double>(), (1 + 0.25) / 2);
  EXPECT_DOUBLE_EQ(feature_loss(real, fake).item<double>(), (0.5 + 0) / 2);
}

}  // namespace
}  // namespace koi::codec_train
