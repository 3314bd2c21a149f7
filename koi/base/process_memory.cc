#include "koi/base/process_memory.h"

#include <fstream>
#include <string>

#include "koi/base/error.h"

namespace koi::base {

ProcessMemory process_memory() {
  constexpr const char* kPath = "/proc/self/status";  // "VmHWM:     1234 kB", a line each
  ProcessMemory memory;
  std::ifstream file(kPath);
  for (std::string word; file >> word;) {
    int64_t* value = word == "VmRSS:"   ? &memory.resident_bytes
                     : word == "VmHWM:" ? &memory.peak_bytes
                                        : nullptr;
    if (value == nullptr) continue;
    file >> *value;
    *value *= 1024;
  }
  if (memory.resident_bytes == 0 || memory.peak_bytes == 0)
    throw Error(ErrorKind::io, kPath, "does not say VmRSS and VmHWM");
  return memory;
}

void forget_peak_memory() { std::ofstream("/proc/self/clear_refs") << 5; }

}  // namespace koi::base
