// What the first rank of a run keeps of its course, for people to look at.
#pragma once

#include "koi/train/metrics.h"
#include "koi/train/settings.h"

namespace koi::train {

class RunRecords {
 public:
  // Goes on behind `last_step` of what the run's folder holds already; 0 begins anew. Throws
  // Error(io).
  RunRecords(const Settings& settings, int64_t last_step);

  void add(const Metrics& row);  // on disk when it returns; throws Error(io)

 private:
  MetricsFile metrics_;
};

}  // namespace koi::train
