// The keys that say how many processes train together, and how.
#pragma once

#include <cstdint>

#include "koi/base/launch.h"
#include "koi/config/reader.h"

namespace koi::train {

struct RankSettings {
  int64_t num_nodes = 1;  // trainer.num_nodes: machines
  int64_t devices = 0;    // trainer.devices: processes on this machine; 0: auto or -1
  bool nccl = true;       // trainer.strategy.process_group_backend: nccl, not gloo
  double timeout_s = 30;  // trainer.timeout_s: how long a rank may show no sign of life
};

// Throws as Reader, and for values that cannot be.
RankSettings read_rank_settings(config::Reader& reader);

// Compares what was started with the settings: as many processes on each of num_nodes machines,
// `devices` of them on this one. num_nodes=1, the default, goes with every world. Throws
// Error(config) saying what to start.
void check_launch(const base::Launch& launch, const RankSettings& settings);

}  // namespace koi::train
