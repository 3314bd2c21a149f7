// The folder of a run's checkpoints: step_%09d.ckpt, and best.ckpt, a link to the best one.
#pragma once

#include <cstdint>
#include <vector>

#include "koi/base/files.h"

namespace koi::train {

base::fs::path checkpoint_path(const base::fs::path& folder, int64_t step);

// All step_NUMBER.ckpt of a folder, oldest first; none where there is no folder.
std::vector<base::fs::path> list_checkpoints(const base::fs::path& folder);

struct KeepOptions {
  int64_t newest = 5;    // how many; -1: all
  int64_t interval = 1;  // steps; a checkpoint between them was made because the run was stopped
  int64_t best = 0;      // step of one that stays in any case; 0: none
};

// Removes the older ones, and those that a stop has made as soon as there is a newer one: a run
// that was stopped leaves what one that was not leaves.
void prune_checkpoints(const base::fs::path& folder, const KeepOptions& options);

// Points best.ckpt to the checkpoint of this step, at once; with step 0, or where that is not
// there, removes it. Throws Error(io).
void link_best(const base::fs::path& folder, int64_t step);

}  // namespace koi::train
