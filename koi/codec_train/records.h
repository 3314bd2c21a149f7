// What a training of a codec keeps of its course, for people to look at.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "koi/base/append_file.h"
#include "koi/codec_train/settings.h"
#include "koi/codec_train/validation.h"
#include "koi/train/event_file.h"

namespace koi::codec_train {

struct Row {
  int64_t step = 0;  // steps done
  Stage stage = Stage::encoder;
  int64_t stage_step = 0;
  Values train = {};  // of this step
  // The machine's doings.
  double audio_rate = 0;   // seconds of recordings a second
  double time_left_s = 0;  // of the stage
  std::optional<Validation> validation = std::nullopt;
};

// One line of JSON without its end: step, stage, stage_step, what Trainer::step gives, audio_rate,
// time_left_s, memory_bytes; where validated, val_mel and val_stft, and codes_distinct and
// codes_perplexity, one number a codebook.
std::string metrics_line(const Row& row);

class Records {
 public:
  // Goes on behind `step` in metrics.jsonl of the run's folder, and with TensorBoard's events in
  // tensorboard/. Throws Error(io).
  Records(const Settings& settings, int64_t step);

  void add(const Row& row);  // on disk when it returns; throws Error(io)

 private:
  std::optional<base::AppendFile> metrics_;
  std::optional<train::EventFile> events_;
};

// Writes report.html out of metrics.jsonl: the losses' curves, the latest use of codes, `notes` on
// the data. Throws Error(io).
void write_report(const Settings& settings, const std::vector<std::string>& notes);
base::fs::path report_path(const Settings& settings);

}  // namespace koi::codec_train
