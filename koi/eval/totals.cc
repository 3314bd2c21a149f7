#include "koi/eval/totals.h"

#include <algorithm>

namespace koi::eval {
namespace {

double score_of(const Totals& totals) {
  double score = 1;
  if (!totals.errors.empty()) {
    double right = 0;
    for (const TextErrors& errors : totals.errors)
      right += std::max(0.0, 1 - errors.characters.rate());
    score *= right / static_cast<double>(totals.errors.size());
  }
  if (totals.likeness) score *= std::max(0.0, *totals.likeness);
  // Sentences without sound are all wrong above; where nobody hears, none of them is like anybody.
  if (totals.errors.empty() && totals.likeness)
    score *= static_cast<double>(totals.sentences - totals.failed) /
             static_cast<double>(totals.sentences);
  if (!totals.errors.empty() || totals.likeness || totals.sentences == 0) return score;

  const double ended = static_cast<double>(totals.sentences - totals.failed - totals.reached_limit);
  score = ended / static_cast<double>(totals.sentences);
  if (!totals.duration_ratio) return score;
  return score * std::min(*totals.duration_ratio, 1 / *totals.duration_ratio);
}

}  // namespace

Totals sum_up(const std::vector<Result>& results, const std::vector<double>& recorded_s) {
  Totals totals{.sentences = results.size()};
  double silent_s = 0, clipped_s = 0, compared_s = 0, recordings_s = 0, likeness = 0;
  size_t alike = 0;
  for (const Result& result : results) {
    const Take& take = result.take;
    totals.failed += take.wav.empty() ? 1 : 0;
    totals.reached_limit += !take.wav.empty() && take.reached_limit ? 1 : 0;
    totals.duration_s += take.duration_s;
    silent_s += take.silent_s;
    clipped_s += take.clipped_s;
    if (!take.wav.empty() && recorded_s[take.sentence] > 0) {
      compared_s += take.duration_s;
      recordings_s += recorded_s[take.sentence];
    }
    totals.errors.resize(result.heard.size());
    for (size_t i = 0; i < result.heard.size(); ++i) {
      totals.errors[i].words += result.heard[i].errors.words;
      totals.errors[i].characters += result.heard[i].errors.characters;
    }
    if (!result.likeness) continue;
    likeness += *result.likeness;
    ++alike;
  }
  if (alike > 0) totals.likeness = likeness / static_cast<double>(alike);
  if (recordings_s > 0) totals.duration_ratio = compared_s / recordings_s;
  if (totals.duration_s > 0) {
    totals.silent_share = silent_s / totals.duration_s;
    totals.clipped_share = clipped_s / totals.duration_s;
  }
  totals.score = score_of(totals);
  return totals;
}

void put_in_order(std::vector<Row>& rows) {
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    if (a.kind != b.kind) return a.kind < b.kind;
    return a.kind == Voice::Kind::checkpoint && a.totals.score > b.totals.score;
  });
}

}  // namespace koi::eval
