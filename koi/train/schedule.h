// The learning rate's factor over the steps of a run.
#pragma once

#include <cstdint>
#include <optional>

namespace koi::train {

enum class ScheduleKind { constant, cosine };

struct Schedule {
  ScheduleKind kind = ScheduleKind::constant;
  double warmup_steps = 10;  // between 0 and 1: that share of training_steps
  std::optional<int64_t> training_steps = std::nullopt;
  double final_ratio = 0;  // cosine: the factor never falls below
  double cycles = 0.5;     // cosine: half a wave goes from 1 down to 0

  // Of step 0, 1, ...: step / warm-up steps, so the first step has rate 0; then constant or cosine.
  // Throws Error(config) where training_steps is needed and absent.
  // Differs: the reference's cosine rises again behind training_steps, ours stays.
  double factor(int64_t step) const;
};

}  // namespace koi::train
