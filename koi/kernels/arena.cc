#include "koi/kernels/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace koi::kernels {
namespace {

constexpr int64_t kLine = 64;
constexpr int64_t kHugePage = int64_t{2} << 20;
// What is not touched costs addresses only.
constexpr int64_t kBlock = int64_t{256} << 20;

int64_t round_up(int64_t bytes, int64_t unit) { return (bytes + unit - 1) / unit * unit; }

// `bytes`, a multiple of kHugePage, that begin with a huge page.
std::shared_ptr<char> map_block(int64_t bytes) {
  const auto length = static_cast<size_t>(bytes + kHugePage);
  void* mapped = mmap(nullptr, length, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  const auto place = reinterpret_cast<uintptr_t>(mapped);
  auto* first = static_cast<char*>(mapped) + (kHugePage - place % kHugePage) % kHugePage;
  madvise(first, static_cast<size_t>(bytes), MADV_HUGEPAGE);  // a wish: it may fail
  return {first, [mapped, length](char*) { munmap(mapped, length); }};
}

}  // namespace

std::shared_ptr<char> Arena::take(int64_t bytes) {
  const int64_t size = round_up(std::max<int64_t>(bytes, 1), kLine);
  if (block_ == nullptr || taken_ + size > size_) {
    size_ = round_up(std::max(size, kBlock), kHugePage);
    block_ = map_block(size_);
    taken_ = 0;
  }
  char* piece = block_.get() + taken_;
  taken_ += size;
  return {block_, piece};
}

}  // namespace koi::kernels
