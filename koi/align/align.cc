#include "koi/align/align.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "koi/align/spoken_units.h"

namespace koi::align {
namespace {

double fit_of(const Reader& reader) {
  constexpr double kMiddle = 0.2, kWidth = 0.01;
  return 1 / (1 + std::exp((reader.spread - kMiddle) / kWidth));
}

}  // namespace

Alignment align(const std::vector<Phrase>& phrases, const SpeechMap& map,
                const std::function<void(double)>& on_round) {
  constexpr double kSlowest = 0.2, kFastest = 0.05;  // seconds a unit
  constexpr int kRefinements = 3;
  constexpr double kStrays = 1e-3;  // measured to give the truest probabilities
  double units = 0, spoken_s = 0;
  for (const Phrase& phrase : phrases) units += phrase.units + kUnitsPerPause;
  for (const Stretch& stretch : map.speech) spoken_s += stretch.duration_s();
  // At most: the last one is always told as such.
  constexpr double kRounds = 4 + kRefinements;
  int rounds = 0;
  const auto count_round = [&] {
    if (on_round) on_round(++rounds / kRounds);
  };

  // The overall rate is wrong where much was not read or not written: some usual ones are tried.
  Reader reader;
  double best = -std::numeric_limits<double>::infinity();
  for (const double rate : {spoken_s / units, 0.075, 0.1, 0.13}) {
    const Reader usual{.seconds_per_unit = std::clamp(rate, kFastest, kSlowest)};
    const Lattice lattice(phrases, map, usual);
    if (lattice.log_evidence() > best) {
      best = lattice.log_evidence();
      reader = lattice.fitted_reader();
    }
    count_round();
    if (best > static_cast<double>(phrases.size())) break;  // far more than chance explains
  }
  if (best == -std::numeric_limits<double>::infinity()) return {};
  for (int i = 1; i < kRefinements; ++i) {
    reader = Lattice(phrases, map, reader).fitted_reader();
    count_round();
  }
  // Leaving the script is easy only now: before the reader is known it would explain too much.
  reader.strays = kStrays;
  const Lattice lattice(phrases, map, reader);
  if (on_round) on_round(1);
  return {lattice.likeliest(), fit_of(lattice.fitted_reader())};
}

}  // namespace koi::align
