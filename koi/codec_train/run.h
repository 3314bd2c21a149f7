// The training of a codec from its settings to a checkpoint in the published layout.
#pragma once

#include <functional>
#include <string>

#include "koi/codec_train/records.h"
#include "koi/codec_train/settings.h"

namespace koi::codec_train {

// Whom a run tells what it does; any may be empty.
struct RunEvents {
  std::function<void(const std::string&)> note = {};  // one line for the user
  std::function<void()> start = {};  // the settings go with what the run has done so far
  // The recordings are decoded ("recordings"), then encoded ("codes"): files done, of how many.
  std::function<void(const char* what, size_t done, size_t of)> prepared = {};
  std::function<void(const Row&)> step = {};
};

struct RunResult {
  int64_t steps = 0;
  bool complete = false;
  bool stopped = false;  // SIGINT or SIGTERM came; else, where not complete, the time was up
  base::fs::path codec;  // the codec's checkpoint
};

// Goes on from the newest checkpoint of the run, if there is one: decodes the recordings, then step
// by step. After val_interval steps and at the end of each stage a validation and (behind the
// encoder's stage) a sample, after save_interval steps and there a checkpoint. At the end of the
// call too, so that the same call goes on as if nothing had happened: bit for bit where the
// recordings, the settings and the number of threads are the same.
// With each checkpoint the codec is written to run_folder/codec, where `koi codec
// --checkpoint-path` and `koi extract-vq` read it.
// Throws Error(io) where another run is at work in the folder, and what Recordings, Model and
// checkpoints throw.
RunResult run(const Settings& settings, const RunEvents& events);

}  // namespace koi::codec_train
