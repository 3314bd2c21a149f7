// What a run's folder says about how it was started, as Hydra leaves it: .hydra/config.yaml (the
// composed configuration, interpolations kept), .hydra/overrides.yaml, .hydra/hydra.yaml.
#pragma once

#include <string>
#include <vector>

#include "koi/config/compose.h"

namespace koi::train {

// `folder` is hydra.run.dir, resolved.
void write_hydra_files(const base::fs::path& folder, const config::Composition& composition,
                       const std::string& config_name, const std::vector<std::string>& overrides);

}  // namespace koi::train
