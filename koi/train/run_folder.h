// What lies in a run's folder beside checkpoints and metrics.
#pragma once

#include <string>
#include <vector>

#include "koi/base/folder_lock.h"
#include "koi/config/compose.h"

namespace koi::train {

// How the run was started, as Hydra leaves it: .hydra/config.yaml (the composed configuration,
// interpolations kept), .hydra/overrides.yaml, .hydra/hydra.yaml. `folder` is hydra.run.dir,
// resolved.
void write_hydra_files(const base::fs::path& folder, const config::Composition& composition,
                       const std::string& config_name, const std::vector<std::string>& overrides);

// Makes the folder and takes its lock. Throws Error(io) where another run is at work in it.
void hold_run_folder(base::FolderLock& lock, const base::fs::path& folder);

// samples/step_%09d.wav: what the model said after so many steps.
base::fs::path sample_path(const base::fs::path& run_folder, int64_t step);

}  // namespace koi::train
