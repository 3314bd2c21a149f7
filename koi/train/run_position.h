// The exact place of a run in its random numbers, as a value of its checkpoint.
#pragma once

#include "koi/checkpoint/value.h"
#include "koi/dataset/batch_source.h"
#include "koi/tensor/torch.h"

namespace koi::train {

checkpoint::Value position_value(const dataset::BatchSourceState& data,
                                 const at::Generator& dropout);

// Sets the generator and gives the place in the data. Throws Error(corrupt) naming `where`. The
// generator keeps its own state where the stored one is of another kind of device.
dataset::BatchSourceState restore_position(const checkpoint::Value& value, at::Generator& dropout,
                                           const std::string& where);

}  // namespace koi::train
