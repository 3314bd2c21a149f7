// A training run from its settings to its last checkpoint.
#pragma once

#include <functional>
#include <string>

#include "koi/train/metrics.h"
#include "koi/train/process_group.h"
#include "koi/train/settings.h"

namespace koi::train {

// A sentence that is to be spoken by the model as it is.
struct SampleRequest {
  const lm::DualAr& model;
  std::string text;
  int64_t max_frames = 0;  // 0: as many as fit
  base::fs::path wav;      // to be written; its folder is there
};

// Whom a run tells what it does; any may be empty.
struct RunEvents {
  std::function<void(const std::string&)> note = {};  // one line for the user
  std::function<void(int64_t)> start = {};  // before the first step: steps done by earlier calls
  std::function<void(const Metrics&)> step = {};  // after each step; each validation before one
  // After each validation (trainer.samples), until it throws, which becomes a note: a run does not
  // end for a sample. Where it throws base::Interrupted the same call asks for the sample again.
  std::function<void(const SampleRequest&)> speak = {};
};

struct RunResult {
  int64_t steps = 0;
  bool stopped = false;       // SIGINT or SIGTERM came (base::stop_requested)
  bool ended_early = false;   // trainer.early_stopping.patience
  base::fs::path checkpoint;  // the newest
  BestStep best = {};         // what best.ckpt is, if any
};

// Goes on from the newest checkpoint of the run, if there is one. Every step: batches -> losses ->
// gradients -> update -> metrics; after val_interval steps a validation (always on the same
// batches), after save_interval steps, and after a validation that is the best one, a checkpoint.
// The last step has both, and so it is when the run is told to stop (checkpoint only), so that the
// same call goes on as if nothing had happened. The run ends after max_steps, or after `patience`
// validations none of which was the best.
// Throws what loading of model, data and checkpoints throws, and Error(config) where the loss is no
// finite number.
// With a `group` of several ranks each of them calls this, over the same files: each draws samples
// of its own, the first alone validates and writes, all load the same checkpoint, and all stop
// where one is told to. `events` of the others may be empty.
// Differs: the reference saves only at multiples of the interval.
RunResult run(const Settings& settings, at::Device device, const RunEvents& events,
              ProcessGroup* group = nullptr);

// nccl only between GPUs.
Backend effective_backend(const Settings& settings, at::Device device);

}  // namespace koi::train
