// The exact place of a run in its random numbers, as a value of its checkpoint.
#pragma once

#include "koi/checkpoint/value.h"
#include "koi/tensor/torch.h"
#include "koi/train/run_data.h"
#include "koi/train/validation.h"

namespace koi::train {

struct RunPosition {
  DataPlace data;
  BestStep best;
  int64_t world_size = 1;  // ranks that trained together
};

checkpoint::Value position_value(const RunPosition& position, const at::Generator& dropout);

// Sets the generator and gives the rest. Throws Error(corrupt) naming `where`. The generator keeps
// its own state where the stored one is of another kind of device.
RunPosition restore_position(const checkpoint::Value& value, at::Generator& dropout,
                             const std::string& where);

}  // namespace koi::train
