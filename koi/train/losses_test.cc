#include "koi/train/losses.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

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

// The token that is spoken at each position [T]; every third position has none.
at::Tensor spoken_tokens(int64_t length) {
  auto generator = tensor::make_generator(9);
  auto tokens = at::randint(6, 30, {length}, generator, at::kLong);
  tokens.slice(0, 0, length, 3).fill_(dataset::kIgnoredLabel);
  return tokens;
}

TEST(Losses, AlignmentIsAskedForAmongTheTokensOfTexts) {
  lm::DualAr model = test::small_model();
  constexpr int64_t kEnd = 31;  // no token of a text
  Batch batch = test::make_sample(1, 30);
  batch.labels[0][0][29] = kEnd;
  const LabelCounts without = count_labels(batch);
  batch.alignment = spoken_tokens(30);
  const LabelCounts counts = count_labels(batch);
  EXPECT_EQ(without.alignment, 0);
  EXPECT_EQ(counts.alignment, 20);
  const Losses losses = compute_losses(model, batch, counts, {.train = true}, 0.5);

  auto logits = model.forward(batch.tokens, {}, {}).token_logits[0].detach().clone();
  for (const int64_t asked : {test::kSemantic, kEnd})
    logits.select(1, asked).fill_(-std::numeric_limits<float>::infinity());
  const double expected = at::cross_entropy_loss(logits, batch.alignment).item<double>();
  EXPECT_NEAR(losses.alignment_loss.item<double>(), expected, kNear);
  const double others = losses.base_loss.item<double>() + losses.semantic_loss.item<double>();
  EXPECT_NEAR(losses.loss.item<double>(), others + 0.5 * expected, kNear);

  losses.loss.backward();  // through logits of minus infinity
  EXPECT_TRUE(at::isfinite(model.output.weight.grad()).all().item<bool>());
  const Losses not_asked = compute_losses(model, batch, counts, {.train = true});
  EXPECT_EQ(not_asked.alignment_loss.item<double>(), 0);
  EXPECT_NEAR(not_asked.loss.item<double>(), others, kNear);
}

// Each frame is in one of the quarters, which together are the whole.
TEST(Losses, FramesOfTheFastPartStandForAll) {
  const Batch batch = test::packed({test::make_sample(1, 23), test::make_sample(2, 27)});
  const LabelCounts counts = count_labels(batch);
  const auto run = [&](double share, double offset) {
    lm::DualAr model = test::small_model();
    const Losses losses = compute_losses(
        model, batch, counts, {.train = true, .fast_frames = share, .fast_offset = offset});
    losses.loss.backward();
    return std::pair(losses.loss.item<double>(), model.fast_output.weight.grad().clone());
  };
  const auto [whole, gradient] = run(1, 0);
  double sum = 0;
  auto sum_of_gradients = at::zeros_like(gradient);
  std::set<double> different;
  for (const double offset : {0.0, 0.25, 0.5, 0.75}) {
    const auto [loss, part] = run(0.25, offset);
    sum += loss;
    sum_of_gradients += part;
    different.insert(loss);
  }
  EXPECT_NEAR(sum / 4, whole, kNear);
  test::expect_near(sum_of_gradients / 4, gradient, kNear * gradient.abs().max().item<double>(),
                    "gradient");
  EXPECT_EQ(different.size(), 4u);
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
