#include "koi/tensor/memory_meter.h"

#include <algorithm>

#include "koi/tensor/torch.h"

namespace koi::tensor {

class MemoryMeter::Counter : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void* /*memory*/, int64_t size, size_t /*total*/, size_t /*reserved*/,
                         at::Device /*device*/) override {
    live_ += size;
    peak_ = std::max(peak_, live_);
  }
  bool memoryProfilingEnabled() const override { return true; }

  int64_t live_ = 0, peak_ = 0;
};

MemoryMeter::MemoryMeter() : counter_(std::make_shared<Counter>()) {
  c10::ThreadLocalDebugInfo::_push(c10::DebugInfoKind::PROFILER_STATE, counter_);
}

MemoryMeter::~MemoryMeter() { c10::ThreadLocalDebugInfo::_pop(c10::DebugInfoKind::PROFILER_STATE); }

int64_t MemoryMeter::live_bytes() const { return counter_->live_; }
int64_t MemoryMeter::peak_bytes() const { return counter_->peak_; }

}  // namespace koi::tensor
