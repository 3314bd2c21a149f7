// metrics.jsonl: the course of a run, one JSON object a line.
#pragma once

#include <cstdint>
#include <optional>

#include "koi/base/files.h"
#include "koi/train/trainer.h"
#include "koi/train/validation.h"

namespace koi::train {

struct Metrics {
  int64_t step = 0;  // optimizer steps done; 0: before the first
  // Of the step's batches (mean), before its update. Absent in the row of step 0.
  std::optional<LossValues> train = std::nullopt;
  double grad_norm = 0;  // before clipping
  double lr = 0;         // that the step used
  int64_t tokens = 0;    // columns of the step's batches, padding left out
  double tokens_per_s = 0;
  std::optional<HeldOutLosses> validation = std::nullopt;  // after the update
};

// One line without its end: step, loss, base_loss, semantic_loss, top_5_accuracy, grad_norm, lr,
// tokens, tokens_per_s, then the same losses as val_loss and so on where validated, with
// val_loss_interval (see HeldOutLosses) where that is known.
std::string metrics_line(const Metrics& metrics);

class MetricsFile {
 public:
  // Keeps the rows up to `last_step` of a file that is there (a half-written line and what follows
  // is dropped), and appends behind them; with last_step 0 begins anew. Throws Error(io).
  MetricsFile(const base::fs::path& path, int64_t last_step);
  ~MetricsFile();
  MetricsFile(const MetricsFile&) = delete;
  MetricsFile& operator=(const MetricsFile&) = delete;

  void append(const Metrics& metrics);  // in the file when it returns; throws Error(io)

 private:
  base::fs::path path_;
  int descriptor_;
};

}  // namespace koi::train
