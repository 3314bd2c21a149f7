#include "koi/train/run_records.h"

namespace koi::train {

RunRecords::RunRecords(const Settings& settings, const RunStart& start)
    : settings_(settings),
      start_(start),
      metrics_(settings.run_folder / "metrics.jsonl", start.step) {}

void RunRecords::add(Metrics& row) {
  if (row.train) {
    row.gemm_share = row.flops_per_s / start_.gemm_peak;
    row.memory = base::process_memory();
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - started_;
    row.time_left_s = spent.count() / static_cast<double>(row.step - start_.step) *
                      static_cast<double>(settings_.max_steps - row.step);
  }
  metrics_.append(row);
}

}  // namespace koi::train
