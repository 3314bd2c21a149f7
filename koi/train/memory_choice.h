// What comes of a memory estimate: whether layers are recomputed, and what the user is told.
#pragma once

#include <string>
#include <vector>

#include "koi/train/memory.h"
#include "koi/train/settings.h"

namespace koi::train {

// Automatic: where the estimate without recomputation exceeds what there is.
bool choose_recompute(Recompute wanted, const MemoryEstimate& estimate, int64_t free_bytes);

// For the user, a line each: what is needed of what there is, why layers are recomputed, and what
// to lower where it will hardly fit.
std::vector<std::string> describe_memory(Recompute wanted, const MemoryEstimate& estimate,
                                         int64_t free_bytes);

}  // namespace koi::train
