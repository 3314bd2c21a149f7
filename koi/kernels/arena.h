// Memory for weights that are read from end to end for each token.
#pragma once

#include <cstdint>
#include <memory>

namespace koi::kernels {

// Hands out pieces of large blocks, which are in huge pages where the system gives them: with pages
// of 4 KiB a processor spends a third of a stream from memory on finding the next page.
class Arena {
 public:
  // `bytes` zeroed bytes, aligned to cache lines; the block stays as long as a piece of it does.
  // Throws std::bad_alloc. From one thread at a time.
  std::shared_ptr<char> take(int64_t bytes);

 private:
  std::shared_ptr<char> block_;
  int64_t size_ = 0, taken_ = 0;
};

}  // namespace koi::kernels
