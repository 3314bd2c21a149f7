#include "koi/train/losses.h"

#include <gtest/gtest.h>

#include "koi/dataset/sample.h"
#include "tests/support/tensor_near.h"
#include "tests/support/train_samples.h"

namespace koi::train {
namespace {

// fp32 sums in another order, relative to the largest value.
constexpr double kNear = 1e-5;

std::vector<Batch> some_samples() {
  return {test::make_sample(1, 70), test::make_sample(2, 9), test::make_sample(3, 20)};
}

struct Outcome {
  std::vector<double> losses;  // loss, base, semantic, accuracy
  std::vector<at::Tensor> gradients;
};

// Sums over the batches of one step.
Outcome outcome_of(const std::vector<Batch>& batches) {
  lm::DualAr model = test::small_model();
  LabelCounts counts;
  for (const Batch& batch : batches) counts += count_labels(batch);
  Outcome outcome{.losses = std::vector<double>(4, 0.0), .gradients = {}};
  for (const Batch& batch : batches) {
    const Losses losses = compute_losses(model, batch, counts, {.train = true});
    const at::Tensor values[] = {losses.loss, losses.base_loss, losses.semantic_loss,
                                 losses.top_5_accuracy};
    for (size_t i = 0; i < 4; ++i) outcome.losses[i] += values[i].item<double>();
    losses.loss.backward();
  }
  for (const Parameter& parameter : model_parameters(model))
    outcome.gradients.push_back(parameter.value.grad());
  return outcome;
}

void expect_equal(const Outcome& found, const Outcome& expected) {
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(found.losses[i], expected.losses[i], kNear) << i;
  ASSERT_EQ(found.gradients.size(), expected.gradients.size());
  for (size_t i = 0; i < expected.gradients.size(); ++i) {
    const at::Tensor& gradient = expected.gradients[i];
    ASSERT_TRUE(gradient.defined()) << i;
    const double largest = gradient.abs().max().item<double>();
    EXPECT_GT(largest, 0) << i;
    test::expect_near(found.gradients[i], gradient, kNear * largest, "gradient");
  }
}

TEST(Losses, PackedSamplesGiveTheGradientsOfPaddedOnes) {
  expect_equal(outcome_of({test::packed(some_samples())}),
               outcome_of({test::padded(some_samples())}));
}

// Counted over the whole step, it does not matter how a step is cut into batches.
TEST(Losses, BatchesOfAStepGiveTheGradientsOfOne) {
  const auto samples = some_samples();
  const Outcome whole = outcome_of({test::padded(samples)});
  expect_equal(outcome_of({samples[0], test::packed({samples[1], samples[2]})}), whole);
  expect_equal(outcome_of(samples), whole);
}

// More logits than are made at once.
TEST(Losses, InPiecesAsInOne) {
  constexpr int64_t kVocab = 4000, kLength = 4500;
  lm::DualAr model = test::small_model(kVocab);
  const Batch batch = test::make_sample(4, kLength);
  const LabelCounts counts = count_labels(batch);
  const Losses losses = compute_losses(model, batch, counts, {.train = true});
  losses.loss.backward();
  const auto in_pieces = model.output.weight.grad().clone();
  model.output.weight.mutable_grad().reset();

  const auto logits = model.forward(batch.tokens, {}, {.train = true}).token_logits[0];
  const auto whole = at::cross_entropy_loss(logits, batch.labels[0][0]);
  whole.backward();
  EXPECT_NEAR(losses.base_loss.item<double>(), whole.item<double>(), kNear);
  const auto& expected = model.output.weight.grad();
  test::expect_near(in_pieces, expected, kNear * expected.abs().max().item<double>(), "gradient");
}

TEST(Losses, LabelsThatCount) {
  const LabelCounts counts = count_labels(test::make_sample(1, 10));
  EXPECT_EQ(counts.tokens, 10);
  EXPECT_EQ(counts.codes, 3 * 8);     // 7 frames and the end
  EXPECT_EQ(counts.accuracy, 3 * 7);  // the end's are 0
}

TEST(Losses, NoLabelsAtAllGiveZero) {
  const lm::DualAr model = test::small_model();
  Batch batch = test::make_sample(1, 10);
  batch.labels.fill_(dataset::kIgnoredLabel);
  const Losses losses = compute_losses(model, batch, count_labels(batch), {});
  EXPECT_EQ(losses.loss.item<double>(), 0);
  EXPECT_EQ(losses.top_5_accuracy.item<double>(), 0);
}

}  // namespace
}  // namespace koi::train
