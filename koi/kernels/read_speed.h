// The machine's limit for work that has to read all of its weights from memory.
#pragma once

#include "koi/kernels/team.h"

namespace koi::kernels {

// Bytes a second that the team's threads read together from memory (256 MiB, far beyond caches of
// today's small machines), the best of several times.
double measure_read_speed(Team& team);

}  // namespace koi::kernels
