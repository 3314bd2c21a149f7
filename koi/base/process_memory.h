#pragma once

#include <cstdint>

namespace koi::base {

// What this process has in the machine's memory (Linux's VmRSS, VmHWM).
struct ProcessMemory {
  int64_t resident_bytes = 0;
  int64_t peak_bytes = 0;  // the most so far
};

ProcessMemory process_memory();  // throws Error(io) where the system does not say

// From now on `peak_bytes` is the most that comes; nothing happens where the system cannot.
void forget_peak_memory();

}  // namespace koi::base
