#include "koi/align/reader.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "koi/align/spoken_units.h"

namespace koi::align {
namespace {

constexpr double kFreedom = 4;      // of Student's distribution
constexpr double kPriorWeight = 6;  // observations

size_t index_of(Ending ending) { return static_cast<size_t>(ending); }

}  // namespace

double Lengths::density(double seconds) const {
  constexpr double kStray = 0.02, kLongestStray = 3;
  const double z = (std::log(seconds) - log_median) / spread;
  const double usual = std::exp(-z * z / 2) / (seconds * spread * std::sqrt(2 * std::numbers::pi));
  return (1 - kStray) * usual + kStray / kLongestStray;
}

double Breath::density(double seconds, double spread) const {
  static const double kScale =
      std::exp(std::lgamma((kFreedom + 1) / 2) - std::lgamma(kFreedom / 2)) /
      std::sqrt(kFreedom * std::numbers::pi);
  const double z = std::log(seconds / expected_s) / spread;
  const double y = 1 + z * z / kFreedom;
  return kScale / (y * y * std::sqrt(y) * spread * seconds);  // y to the (kFreedom + 1) / 2
}

BreathTable::BreathTable(const Breath& breath, double spread)
    : shortest_s_(breath.shortest_s()),
      per_s_(kSteps / (breath.longest_s() - breath.shortest_s())) {
  for (size_t i = 0; i < values_.size(); ++i)
    values_[i] = breath.density(shortest_s_ + static_cast<double>(i) / per_s_, spread);
}

Breath breath_of(const Reader& reader, std::span<const Phrase> phrases) {
  double units = kUnitsPerPause, together = 1;
  for (size_t i = 0; i < phrases.size(); ++i) {
    units += phrases[i].units;
    if (i + 1 < phrases.size()) together *= 1 - reader.pause_share[index_of(phrases[i].ending)];
  }
  return {units * reader.seconds_per_unit, together};
}

void ReaderFit::Sums::add(double more, double value) {
  weight += more;
  sum += more * value;
  squares += more * value * value;
}

Lengths ReaderFit::Sums::fitted(const Lengths& prior) const {
  const double total = weight + kPriorWeight;
  const double mean = (sum + kPriorWeight * prior.log_median) / total;
  const double prior_square = prior.spread * prior.spread + prior.log_median * prior.log_median;
  const double variance = (squares + kPriorWeight * prior_square) / total - mean * mean;
  return {mean, std::sqrt(std::max(variance, 1e-4))};
}

void ReaderFit::add_breath(double probability, const Breath& breath, double seconds) {
  const double ratio = std::log(seconds / breath.expected_s);
  const double z = ratio / before_.spread;
  times_.add(probability * (kFreedom + 1) / (kFreedom + z * z), ratio);
}

void ReaderFit::add_pause(double probability, Ending behind, double seconds) {
  pauses_[index_of(behind)].add(probability, std::log(seconds));
}

void ReaderFit::add_no_pause(double probability, Ending behind) {
  no_pauses_[index_of(behind)] += probability;
}

void ReaderFit::add_inner_pause(double probability, double seconds) {
  inner_pauses_.add(probability, std::log(seconds));
}

Reader ReaderFit::fitted(double spoken_s) const {
  constexpr double kLeastSpread = 0.08;  // more regular than any reader
  const Reader usual;
  const Lengths times =
      times_.fitted({std::log(usual.seconds_per_unit / before_.seconds_per_unit), usual.spread});
  Reader reader;
  reader.seconds_per_unit = before_.seconds_per_unit * std::exp(times.log_median);
  reader.spread = std::max(times.spread, kLeastSpread);
  for (size_t k = 0; k < kEndings; ++k) {
    const double with = pauses_[k].weight;
    reader.pauses[k] = pauses_[k].fitted(usual.pauses[k]);
    reader.pause_share[k] =
        (with + usual.pause_share[k] * kPriorWeight) / (with + no_pauses_[k] + kPriorWeight);
  }
  reader.inner_pauses = inner_pauses_.fitted(usual.inner_pauses);
  reader.inner_pauses_per_s =
      (inner_pauses_.weight + kPriorWeight) / (spoken_s + kPriorWeight / usual.inner_pauses_per_s);
  return reader;
}

}  // namespace koi::align
