// step_%09d.ckpt of a codec's training, as torch.load(weights_only=True) reads it: "koi" (step,
// stage, stage_step, the stages' steps, the codec's settings, the recordings' key), "state_dict"
// (see Model::visit) and "optimizers" ("codec" and "discriminators": for each parameter by name
// step, exp_avg, exp_avg_sq). Everything else a run draws from its seed and its step, so that it
// goes on bit for bit.
#pragma once

#include "koi/base/files.h"
#include "koi/codec_train/trainer.h"

namespace koi::codec_train {

// Writes `path` atomically, in an existing folder. Throws Error(io).
void save_checkpoint(const base::fs::path& path, Trainer& trainer);

// Puts all of it back. A stage whose steps are done goes over into the next. False where the
// recordings are others. Throws Error(config) for another codec and for other steps of a stage that
// is over, Error(corrupt) naming file and key for missing, extra and wrong-shaped tensors, in which
// case part of the trainer may be changed.
bool load_checkpoint(const base::fs::path& path, Trainer& trainer);

}  // namespace koi::codec_train
