#include "koi/tensor/block_cache.h"

#include <c10/core/CPUAllocator.h>
#include <gtest/gtest.h>

#include <cstring>

#include "koi/tensor/memory_meter.h"
#include "koi/tensor/torch.h"

namespace koi::tensor {
namespace {

constexpr size_t kMiB = 1 << 20;

TEST(BlockCache, GivesABlockAgainForNearlyItsSize) {
  BlockCache cache;
  void* block = cache.take(4 * kMiB);
  std::memset(block, 1, 4 * kMiB);
  EXPECT_EQ(cache.used_bytes(), 4 * kMiB);
  cache.give(block);
  EXPECT_EQ(cache.kept_bytes(), 4 * kMiB);
  EXPECT_EQ(cache.take(4 * kMiB - 100000), block);
  EXPECT_EQ(cache.kept_bytes(), 0);
  cache.give(block);
  void* other = cache.take(2 * kMiB);  // half of it would lie idle
  EXPECT_NE(other, block);
  cache.give(other);
}

TEST(BlockCache, NeverHoldsMoreThanWasInUseAtOnce) {
  BlockCache cache;
  const auto held = [&] { return cache.used_bytes() + cache.kept_bytes(); };
  cache.give(cache.take(8 * kMiB));
  EXPECT_EQ(held(), 8 * kMiB);
  void* block = cache.take(5 * kMiB);  // there is no room beside the one that is kept
  EXPECT_EQ(held(), 5 * kMiB);
  void* second = cache.take(2 * kMiB);
  EXPECT_EQ(held(), 7 * kMiB);
  cache.give(second);
  void* third = cache.take(kMiB);
  EXPECT_EQ(held(), 8 * kMiB);
  void* fourth = cache.take(6 * kMiB);
  EXPECT_EQ(held(), 12 * kMiB);
  for (void* one : {block, third, fourth}) cache.give(one);
  EXPECT_EQ(cache.used_bytes(), 0);
  EXPECT_EQ(held(), 12 * kMiB);
}

TEST(BlockCache, KnowsItsOwn) {
  BlockCache cache;
  int other = 0;
  EXPECT_FALSE(cache.has_taken(&other));
  void* block = cache.take(kMiB);
  EXPECT_TRUE(cache.has_taken(block));
  cache.give(block);
  EXPECT_FALSE(cache.has_taken(block));
}

TEST(KeepLargeBlocks, TensorsUseEachOthersMemoryAndAreCounted) {
  keep_large_blocks();
  keep_large_blocks();
  const MemoryMeter meter;
  const void* place = nullptr;
  {
    const at::Tensor first = at::ones({kMiB});
    place = first.const_data_ptr();
    EXPECT_EQ(meter.live_bytes(), 4 * kMiB);
  }
  EXPECT_EQ(meter.live_bytes(), 0);
  const at::Tensor second = at::zeros({kMiB});
  EXPECT_EQ(second.const_data_ptr(), place);
  EXPECT_EQ(second.sum().item<double>(), 0);
  EXPECT_EQ(at::ones({10}).sum().item<double>(), 10);
  for (const size_t size : {size_t{10}, kMiB})  // oneDNN's way
    c10::GetCPUAllocator()->raw_deallocate(c10::GetCPUAllocator()->raw_allocate(size));
  EXPECT_EQ(meter.live_bytes(), 4 * kMiB);
}

}  // namespace
}  // namespace koi::tensor
