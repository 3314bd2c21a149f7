#include "koi/train/run_records.h"

namespace koi::train {

RunRecords::RunRecords(const Settings& settings, int64_t last_step)
    : metrics_(settings.run_folder / "metrics.jsonl", last_step) {}

void RunRecords::add(const Metrics& row) { metrics_.append(row); }

}  // namespace koi::train
