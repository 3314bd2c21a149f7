// The elements of a tensor as numbers, whatever their type.
#pragma once

#include <vector>

#include "koi/checkpoint/tensor_view.h"

namespace koi::checkpoint {

// In C order. Exact but for integers beyond 2^53. The view must have passed check_bounds.
std::vector<double> to_doubles(const TensorView& view);

}  // namespace koi::checkpoint
