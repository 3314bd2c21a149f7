#include "koi/dataset/mixture.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "koi/base/error.h"

namespace koi::dataset {

Mixture::Mixture(const std::vector<double>& probabilities) {
  const double sum = std::accumulate(probabilities.begin(), probabilities.end(), 0.0);
  const bool sound = std::all_of(probabilities.begin(), probabilities.end(),
                                 [](double share) { return share >= 0; });
  if (!sound || !(sum > 0) || !std::isfinite(sum)) {
    throw Error(ErrorKind::config, "probabilities",
                "are no shares: numbers of 0 or more, not all 0, were expected");
  }
  double below = 0;
  for (const double share : probabilities) {
    if (share > 0) last_ = cumulative_.size();
    cumulative_.push_back(below += share / sum);
  }
}

size_t Mixture::index(double point) const {
  // The last sum may be rounded to less than 1.
  const auto found = std::upper_bound(cumulative_.begin(), cumulative_.end(), point);
  return std::min(last_, static_cast<size_t>(found - cumulative_.begin()));
}

}  // namespace koi::dataset
