// metrics.jsonl: the course of a run, one JSON object a line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "koi/base/files.h"
#include "koi/base/process_memory.h"
#include "koi/train/trainer.h"
#include "koi/train/validation.h"

namespace koi::train {

struct Metrics {
  int64_t step = 0;  // optimizer steps done; 0: before the first
  // Passes over the data, the share of the present one included; absent where data.sampler is
  // reference, whose draws know no epochs.
  std::optional<double> epoch = std::nullopt;
  // Of the step's batches (mean), before its update. Absent in the row of step 0.
  std::optional<LossValues> train = std::nullopt;
  double grad_norm = 0;  // before clipping
  double lr = 0;         // that the step used
  int64_t tokens = 0;    // columns of the step's batches, padding left out
  // From here to time_left_s: the machine's doings, no two runs have the same.
  double tokens_per_s = 0;
  double flops_per_s = 0;  // StepFlops::needed of this process's batches
  double gemm_share = 0;  // of what the machine's matrix products reach (tensor::measure_gemm_peak)
  base::ProcessMemory memory = {};
  double time_left_s = 0;  // to trainer.max_steps, validations included
  std::optional<HeldOutLosses> validation = std::nullopt;  // after the update
};

// One line without its end: step, epoch where known, loss, base_loss, semantic_loss, alignment_loss
// where there is one, top_5_accuracy, grad_norm, lr, tokens, tokens_per_s, flops_per_s, gemm_share,
// memory_bytes, peak_memory_bytes, time_left_s, then the same losses as val_loss and so on where
// validated, with val_loss_interval (see HeldOutLosses) where that is known.
std::string metrics_line(const Metrics& metrics);

// The rows of a file, up to the first line that is none. Numbers that a row lacks (an earlier koi's
// does) are 0. Throws as base::read_file.
std::vector<Metrics> read_metrics(const base::fs::path& path);

// Drops the rows behind `last_step` (a half-written line too), so that a run can go on there; makes
// the file where it is missing, and with last_step 0 anew. Throws Error(io).
void keep_metrics(const base::fs::path& path, int64_t last_step);

}  // namespace koi::train
