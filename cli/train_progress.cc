#include "cli/train_progress.h"

#include <fmt/format.h>

namespace koi::cli {
namespace {

// "120/1000 epoch 1.25 loss 4.1234 val 4.2345±0.0123 lr 1.0e-04 1234 tok/s 45% peak 3.2 GiB 12:03
// left".
std::string describe(const train::Metrics& row, int64_t max_steps,
                     const std::optional<train::HeldOutLosses>& validation) {
  std::string words = fmt::format("{}/{}", row.step, max_steps);
  if (row.epoch) words += fmt::format(" epoch {:.2f}", *row.epoch);
  if (row.train) words += fmt::format(" loss {:.4f}", row.train->loss);
  if (validation) words += fmt::format(" val {:.4f}", validation->losses.loss);
  if (validation && validation->interval > 0) words += fmt::format("±{:.4f}", validation->interval);
  if (!row.train) return words;
  constexpr double kGiB = 1 << 30;
  return words + fmt::format(" lr {:.1e} {:.0f} tok/s {:.0f}% peak {:.1f} GiB {} left", row.lr,
                             row.tokens_per_s, 100 * row.gemm_share,
                             static_cast<double>(row.memory.resident_bytes) / kGiB,
                             base::format_duration(row.time_left_s));
}

}  // namespace

TrainProgress::TrainProgress(int64_t done, int64_t max_steps)
    : max_steps_(max_steps), progress_("train", "steps", static_cast<uint64_t>(max_steps)) {
  progress_.advance(static_cast<uint64_t>(done));
}

void TrainProgress::show(const train::Metrics& row) {
  if (row.validation) validation_ = row.validation;
  using Line = base::Progress::Line;
  progress_.advance_as(row.train ? 1 : 0, describe(row, max_steps_, validation_),
                       row.validation ? Line::stays : Line::passes);
}

}  // namespace koi::cli
