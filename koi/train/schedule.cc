#include "koi/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "koi/base/error.h"

namespace koi::train {

double Schedule::factor(int64_t step) const {
  const bool share = warmup_steps > 0 && warmup_steps < 1;
  if (!training_steps && (share || kind == ScheduleKind::cosine)) {
    throw Error(ErrorKind::config, "model.lr_scheduler.lr_lambda",
                "a cosine schedule, or a warm-up as a share, needs num_training_steps",
                "add +model.lr_scheduler.lr_lambda.num_training_steps=${trainer.max_steps}");
  }
  const double at = static_cast<double>(step);
  const double total = static_cast<double>(training_steps.value_or(0));
  const double warmup = share ? std::floor(warmup_steps * total) : warmup_steps;
  if (at < warmup) return at / std::max(1.0, warmup);
  if (kind == ScheduleKind::constant) return 1;
  const double progress = std::min(1.0, (at - warmup) / std::max(1.0, total - warmup));
  return std::max(final_ratio, 0.5 * (1 + std::cos(std::numbers::pi * cycles * 2 * progress)));
}

}  // namespace koi::train
