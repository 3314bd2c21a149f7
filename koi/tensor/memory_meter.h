// Counts what torch allocates, to the byte.
#pragma once

#include <cstdint>
#include <memory>

namespace koi::tensor {

// While it lives, the tensors that this thread (and, on its behalf, a backward pass on the CPU)
// makes and drops are counted. One at a time; a profiler of torch's counts nothing meanwhile.
class MemoryMeter {
 public:
  MemoryMeter();
  ~MemoryMeter();
  MemoryMeter(const MemoryMeter&) = delete;
  MemoryMeter& operator=(const MemoryMeter&) = delete;

  int64_t live_bytes() const;  // made since the beginning and not dropped
  int64_t peak_bytes() const;  // the most that this has been

 private:
  class Counter;
  std::shared_ptr<Counter> counter_;
};

}  // namespace koi::tensor
