#include "koi/train/validation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "koi/base/random.h"
#include "tests/support/train_samples.h"

namespace koi::train {
namespace {

// What all labels of all sentences, as one packed batch, give; and the interval by resampling the
// sentences (the bootstrap, Efron 1979), which knows nothing of the formula.
TEST(Validation, LossesAreOverAllLabelsAndTheIntervalIsThatOfTheBootstrap) {
  lm::DualAr model = test::small_model();
  const Trainer trainer(model, {}, {}, {}, tensor::make_generator(1));
  std::vector<Batch> sentences;
  for (uint64_t i = 0; i < 40; ++i)
    sentences.push_back(test::make_sample(i, 6 + static_cast<int64_t>(i * 7 % 23)));
  const HeldOutLosses found = evaluate_sentences(trainer, sentences);
  const Batch whole = test::packed(sentences);
  const Losses expected = compute_losses(model, whole, count_labels(whole), {});
  EXPECT_NEAR(found.losses.loss, expected.loss.item<double>(), 1e-5);
  EXPECT_NEAR(found.losses.base_loss, expected.base_loss.item<double>(), 1e-5);
  EXPECT_NEAR(found.losses.semantic_loss, expected.semantic_loss.item<double>(), 1e-5);
  EXPECT_NEAR(found.losses.top_5_accuracy, expected.top_5_accuracy.item<double>(), 1e-6);

  std::vector<HeldOutLosses> alone;
  for (const Batch& sentence : sentences) alone.push_back(evaluate_sentences(trainer, {sentence}));
  base::PythonRandom random(5);
  double sum = 0, squares = 0;
  constexpr int kResamples = 4000;
  for (int i = 0; i < kResamples; ++i) {
    double base = 0, semantic = 0;
    LabelCounts counts;
    for (size_t j = 0; j < sentences.size(); ++j) {
      const size_t k = random.below(sentences.size());
      const LabelCounts own = count_labels(sentences[k]);
      base += alone[k].losses.base_loss * own.tokens;
      semantic += alone[k].losses.semantic_loss * own.codes;
      counts += own;
    }
    const double loss = base / counts.tokens + semantic / counts.codes;
    sum += loss;
    squares += loss * loss;
  }
  const double mean = sum / kResamples;
  const double deviation = std::sqrt(squares / kResamples - mean * mean);
  // The bootstrap's own noise is 1 %; that the ratio is not linear in its parts costs some more.
  EXPECT_NEAR(found.interval / (1.959964 * deviation), 1, 0.1);
}

TEST(Validation, OneSentenceHasNoInterval) {
  lm::DualAr model = test::small_model();
  const Trainer trainer(model, {}, {}, {}, tensor::make_generator(1));
  const HeldOutLosses found = evaluate_sentences(trainer, {test::make_sample(1, 9)});
  EXPECT_GT(found.losses.loss, 0);
  EXPECT_EQ(found.interval, 0);
}

TEST(BestStep, CountsTheValidationsSinceTheBest) {
  BestStep best;
  EXPECT_TRUE(best.add(10, 3.0));
  EXPECT_FALSE(best.add(20, 3.0));
  EXPECT_FALSE(best.add(30, std::nan("")));
  EXPECT_EQ(best, (BestStep{.step = 10, .val_loss = 3.0, .worse_since = 2}));
  EXPECT_TRUE(best.add(40, 2.9));
  EXPECT_EQ(best, (BestStep{.step = 40, .val_loss = 2.9, .worse_since = 0}));
}

}  // namespace
}  // namespace koi::train
