// How much memory a training step needs, so that layers are recomputed only where they must be.
#pragma once

#include <cstdint>

#include "koi/lm/config.h"

namespace koi::train {

struct StepShape {
  int64_t batch = 0, tokens = 0;  // B, T
  int64_t bytes_per_value = 4;
};

// Bytes that a forward pass keeps for the backward pass when nothing is recomputed; an estimate
// from the tensors that each layer keeps, meant to be on the high side.
int64_t activation_bytes(const lm::ModelConfig& config, const StepShape& shape);

// The same where every layer is recomputed: the layers' inputs, one layer, and the logits.
int64_t recomputed_bytes(const lm::ModelConfig& config, const StepShape& shape);

// What Linux reckons a new program could take without swapping, and what the process's control
// group leaves; throws Error(io) where the system does not say.
int64_t available_memory_bytes();

}  // namespace koi::train
