// How far a training run is, in one line.
#pragma once

#include <optional>

#include "koi/base/progress.h"
#include "koi/train/metrics.h"

namespace koi::cli {

class TrainProgress {
 public:
  // `done` of `max_steps` steps were made by earlier calls.
  TrainProgress(int64_t done, int64_t max_steps);

  // On a terminal each row draws the line anew; elsewhere it is printed every ten seconds. A row
  // with a validation is printed in any case, and stays.
  void show(const train::Metrics& row);

  // A line of its own above it.
  void print_line(const std::string& line) { progress_.print_line(line); }

 private:
  int64_t max_steps_;
  std::optional<train::HeldOutLosses> validation_;  // the latest
  base::Progress progress_;
};

}  // namespace koi::cli
