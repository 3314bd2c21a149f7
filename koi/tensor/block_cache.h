// Large tensors' memory, kept for the next tensor of its size.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <unordered_map>

namespace koi::tensor {

// Blocks of memory that are kept when they are given back, and taken again for nearly their size.
// All together are never more than has been in use at once: where a new one would be, kept ones go
// back to the system first. Thread-safe.
class BlockCache {
 public:
  BlockCache() = default;
  ~BlockCache();  // of kept blocks; taken ones stay
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;

  // At least `bytes` (1 or more) at the beginning of a page. Throws std::bad_alloc.
  void* take(size_t bytes);
  bool has_taken(void* block) const;
  // What has_taken().
  void give(void* block) noexcept;

  size_t used_bytes() const;  // of blocks that are taken
  size_t kept_bytes() const;  // of those that are not

 private:
  void release_largest() noexcept;

  mutable std::mutex mutex_;
  std::unordered_map<void*, size_t> taken_;
  std::multimap<size_t, void*> kept_;
  size_t used_bytes_ = 0, kept_bytes_ = 0;
  size_t most_used_bytes_ = 0;
};

// From now on the memory of this process's CPU tensors of 1 MiB and more comes from such blocks. A
// training step makes tensors of the same sizes in each layer. Left to glibc they either go back to
// the system at once, which clears each page anew (a third of a step's time), or its heap grows to
// 1.3 to 1.4 times what is needed (docs/performance.md). A second call does nothing.
void keep_large_blocks();

}  // namespace koi::tensor
