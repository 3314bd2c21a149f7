// The parts of a Lightning checkpoint that only Lightning reads. Source: its 2.6 files, as recorded
// in tests/goldens/lm/train/ckpt_layout_*.json.
#pragma once

#include "koi/checkpoint/value.h"
#include "koi/train/optimizer.h"

namespace koi::train {

inline constexpr const char* kLightningVersion = "2.6.6";

// Progress of the four loops after `steps` optimizer steps out of `batches` batches.
checkpoint::Value lightning_loops(int64_t steps, int64_t batches);

// The entry of its checkpoint callback, for the file that is just being written.
checkpoint::Value lightning_callbacks(const std::string& path, int64_t steps, int64_t interval);

// State of the constant or cosine schedule: `rate` is that of the next step.
checkpoint::Value lightning_schedulers(int64_t steps, double base_rate, double rate);

// The optimizer's two groups as torch.optim.AdamW stores them.
checkpoint::Value adamw_groups(const AdamW& optimizer, double rate);

}  // namespace koi::train
