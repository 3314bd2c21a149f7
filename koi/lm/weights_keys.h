// The names of weights in files, some of them old.
#pragma once

#include <string>

#include "koi/checkpoint/tensor_view.h"

namespace koi::lm {

// The tensors under the keys that the model uses: without a "model." prefix; wq, wk and wv become
// wqkv. Throws Error(corrupt) naming `where` for a wq whose wk or wv is missing or does not fit.
checkpoint::StateDict with_model_keys(const checkpoint::StateDict& file, const std::string& where);

}  // namespace koi::lm
