// What a set of tensors holds, as a short text: by it an adapter knows the weights that it was
// trained on.
#pragma once

#include <string>

#include "koi/checkpoint/tensor_view.h"

namespace koi::checkpoint {

// SHA-256, as 64 hexadecimal digits, of one line for each tensor in the order of their names:
// "NAME DTYPE SHAPE SHA-256 of the elements in C order". Equal for equal tensors, whatever file and
// order they lie in. 1 GB takes 0.7 s of processor time, shared by all cores.
std::string content_hash(const StateDict& state);

}  // namespace koi::checkpoint
