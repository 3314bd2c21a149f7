// What the first rank of a run keeps of its course, for people to look at.
#pragma once

#include <chrono>
#include <optional>

#include "koi/base/append_file.h"
#include "koi/train/event_file.h"
#include "koi/train/metrics.h"
#include "koi/train/settings.h"

namespace koi::train {

struct RunStart {
  int64_t step = 0;                     // steps done by earlier calls; 0 begins anew
  double gemm_peak = 0;                 // see tensor::measure_gemm_peak
  std::vector<std::string> notes = {};  // on the data, for the report
};

class RunRecords {
 public:
  // Goes on behind `start.step` of what the run's folder holds already: metrics.jsonl, and
  // TensorBoard's events where the settings ask for them. Throws Error(io).
  RunRecords(const Settings& settings, const RunStart& start);

  // Fills in gemm_share, memory and time_left_s, and writes the row. On disk when it returns;
  // throws Error(io).
  void add(Metrics& row);

  // Writes report.html anew (see report.h) out of all rows.
  void write_report() const;

 private:
  const Settings& settings_;
  RunStart start_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::optional<base::AppendFile> metrics_;
  std::optional<EventFile> events_;
  std::vector<Metrics> rows_;
};

// For a run that is complete, which may have been killed before its last report: writes report.html
// out of metrics.jsonl, where that is there. Throws Error(io).
void renew_report(const Settings& settings, const std::vector<std::string>& notes);

// The row as TensorBoard's scalars: train/loss, val/loss and so on, lr, grad_norm, epoch, and the
// machine's doings as perf/….
std::vector<Scalar> scalars_of(const Metrics& row);

}  // namespace koi::train
