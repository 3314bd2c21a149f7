// What the first rank of a run keeps of its course, for people to look at.
#pragma once

#include <chrono>

#include "koi/train/metrics.h"
#include "koi/train/settings.h"

namespace koi::train {

struct RunStart {
  int64_t step = 0;      // steps done by earlier calls; 0 begins anew
  double gemm_peak = 0;  // see tensor::measure_gemm_peak
};

class RunRecords {
 public:
  // Goes on behind `start.step` of what the run's folder holds already. Throws Error(io).
  RunRecords(const Settings& settings, const RunStart& start);

  // Fills in gemm_share, memory and time_left_s, and writes the row. On disk when it returns;
  // throws Error(io).
  void add(Metrics& row);

 private:
  const Settings& settings_;
  RunStart start_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  MetricsFile metrics_;
};

}  // namespace koi::train
