#include "koi/train/validation.h"

#include <cmath>

namespace koi::train {
namespace {

constexpr double kNormal95 = 1.959963984540054;

// Sums over one sentence, and how many labels they are over.
struct SentenceSums {
  LossValues sums;
  LabelCounts counts;
};

SentenceSums sums_of(const Trainer& trainer, const Batch& sentence) {
  return {.sums = trainer.evaluate(sentence, {1, 1, 1}), .counts = count_labels(sentence)};
}

double at_least_one(double count) { return count > 0 ? count : 1; }

}  // namespace

HeldOutLosses evaluate_sentences(const Trainer& trainer, const std::vector<Batch>& sentences) {
  std::vector<SentenceSums> all;
  LossValues sums;
  LabelCounts counts;
  for (const Batch& sentence : sentences) {
    all.push_back(sums_of(trainer, sentence));
    sums += all.back().sums;
    counts += all.back().counts;
  }
  const double tokens = at_least_one(counts.tokens), codes = at_least_one(counts.codes);
  HeldOutLosses result;
  result.losses = {.loss = sums.base_loss / tokens + sums.semantic_loss / codes,
                   .base_loss = sums.base_loss / tokens,
                   .semantic_loss = sums.semantic_loss / codes,
                   .top_5_accuracy = sums.top_5_accuracy / at_least_one(counts.accuracy)};
  if (all.size() < 2) return result;
  double squares = 0;
  for (const SentenceSums& sentence : all) {
    const double residual =
        (sentence.sums.base_loss - result.losses.base_loss * sentence.counts.tokens) / tokens +
        (sentence.sums.semantic_loss - result.losses.semantic_loss * sentence.counts.codes) / codes;
    squares += residual * residual;
  }
  const auto n = static_cast<double>(all.size());
  result.interval = kNormal95 * std::sqrt(squares * n / (n - 1));
  return result;
}

bool BestStep::add(int64_t at_step, double loss) {
  if (!(loss < val_loss)) {
    ++worse_since;
    return false;
  }
  *this = {.step = at_step, .val_loss = loss, .worse_since = 0};
  return true;
}

}  // namespace koi::train
