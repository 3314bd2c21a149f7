// Several datasets in one stream of samples. Source: the reference's behaviour, measured; cases in
// tests/goldens/data/sampling/interleave.json.
#pragma once

#include <cstddef>
#include <vector>

namespace koi::dataset {

class Mixture {
 public:
  // One probability a dataset; they are divided by their sum. Throws Error(config) for none, for
  // negative ones and for a sum that is 0 or no finite number.
  explicit Mixture(const std::vector<double>& probabilities);

  size_t size() const { return cumulative_.size(); }
  // The first dataset whose probability, added to those before it, exceeds `point` (0 to below 1).
  size_t index(double point) const;

 private:
  std::vector<double> cumulative_;
  size_t last_ = 0;  // the last one that is not 0
};

}  // namespace koi::dataset
