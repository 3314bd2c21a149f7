// What tells the weights of one model from those of another.
#pragma once

#include <string>

#include "koi/lm/cpu_weights.h"

namespace koi::lm {

// A hash over the configuration, and the beginning of each row, all scales, norms and biases of
// each matrix: models of other training differ in it, at the cost of a few hundredths of a second
// where all weights would take half a second.
std::string fingerprint(const CpuWeights& weights);

}  // namespace koi::lm
