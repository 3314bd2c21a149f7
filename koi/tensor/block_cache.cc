#include "koi/tensor/block_cache.h"

#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace koi::tensor {
namespace {

constexpr size_t kLarge = 1 << 20;

// A whole number of these, so that sizes meet again more often.
constexpr size_t kUnit = 1 << 16;

BlockCache& process_cache() {
  static auto* const cache = new BlockCache;  // for tensors that live to the program's end
  return *cache;
}

void free_block(void* block) {
  c10::profiledCPUMemoryReporter().Delete(block);
  process_cache().give(block);
}

void free_any(void* memory) {
  process_cache().has_taken(memory) ? free_block(memory)
                                    : c10::GetDefaultCPUAllocator()->raw_deleter()(memory);
}

class CachingAllocator : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    if (bytes < kLarge) return small_.allocate(bytes);
    void* block = process_cache().take(bytes);
    c10::profiledCPUMemoryReporter().New(block, bytes);
    return {block, block, &free_block, at::kCPU};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &free_any; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }

 private:
  c10::Allocator& small_ = *c10::GetDefaultCPUAllocator();
};

}  // namespace

BlockCache::~BlockCache() {
  while (!kept_.empty()) release_largest();
}

void* BlockCache::take(size_t bytes) {
  const std::lock_guard lock(mutex_);
  size_t size = (bytes + kUnit - 1) / kUnit * kUnit;
  void* block = nullptr;
  const auto found = kept_.lower_bound(size);
  if (found != kept_.end() && found->first <= size + size / 8) {
    size = found->first;
    block = found->second;
    kept_.erase(found);
    kept_bytes_ -= size;
  } else {
    while (!kept_.empty() && used_bytes_ + kept_bytes_ + size > most_used_bytes_) release_largest();
    block = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) throw std::bad_alloc();
  }
  taken_.emplace(block, size);
  used_bytes_ += size;
  most_used_bytes_ = std::max(most_used_bytes_, used_bytes_);
  return block;
}

bool BlockCache::has_taken(void* block) const {
  const std::lock_guard lock(mutex_);
  return taken_.contains(block);
}

void BlockCache::give(void* block) noexcept {
  const std::lock_guard lock(mutex_);
  const auto found = taken_.find(block);
  kept_.emplace(found->second, block);
  kept_bytes_ += found->second;
  used_bytes_ -= found->second;
  taken_.erase(found);
}

size_t BlockCache::used_bytes() const {
  const std::lock_guard lock(mutex_);
  return used_bytes_;
}

size_t BlockCache::kept_bytes() const {
  const std::lock_guard lock(mutex_);
  return kept_bytes_;
}

void BlockCache::release_largest() noexcept {
  const auto largest = std::prev(kept_.end());
  ::munmap(largest->second, largest->first);
  kept_bytes_ -= largest->first;
  kept_.erase(largest);
}

void keep_large_blocks() {
  static const bool done = [] {
    c10::SetCPUAllocator(new CachingAllocator);  // until the program's end
    return true;
  }();
  static_cast<void>(done);
}

}  // namespace koi::tensor
