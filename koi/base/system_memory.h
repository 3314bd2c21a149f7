// How much memory there is.
#pragma once

#include <cstdint>

#include "koi/base/files.h"

namespace koi::base {

// Both in bytes; throw Error(io) where the system does not say. `root` is another one than / in
// tests.

// What could be taken now without swapping: what Linux reckons (MemAvailable), or what the
// process's control groups (version 1 or 2, the parents too) leave where that is less. Pages of
// files that are in memory only until somebody needs it count as free.
int64_t available_memory_bytes(const fs::path& root = "/");

// What this process holds, mapped files left out.
int64_t held_memory_bytes(const fs::path& root = "/");

}  // namespace koi::base
