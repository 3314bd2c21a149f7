#include "koi/kernels/read_speed.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "koi/kernels/arena.h"

namespace koi::kernels {
namespace {

// Eight sums, so that none waits for the one before.
uint64_t sum_of(const uint64_t* values, int64_t count) {
  uint64_t sums[8] = {};
  for (int64_t i = 0; i + 8 <= count; i += 8)
    for (int64_t j = 0; j < 8; ++j) sums[j] += values[i + j];
  uint64_t sum = 0;
  for (const uint64_t part : sums) sum += part;
  return sum;
}

}  // namespace

double measure_read_speed(Team& team) {
  constexpr int64_t kBytes = int64_t{256} << 20, kPiece = 64 << 10;
  constexpr int kTimes = 7;
  constexpr auto kSize = static_cast<int64_t>(sizeof(uint64_t));
  Arena arena;  // where weights are
  const std::shared_ptr<char> room = arena.take(kBytes);
  auto* values = reinterpret_cast<uint64_t*>(room.get());
  std::fill_n(values, kBytes / kSize, 1);
  double best_s = 1e9;
  std::atomic<uint64_t> sum = 0;  // used, so that the reads are done
  for (int i = 0; i < kTimes; ++i) {
    const auto start = std::chrono::steady_clock::now();
    team.share(kBytes / kSize, kPiece / kSize,
               [&](int64_t first, int64_t last) { sum += sum_of(values + first, last - first); });
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    best_s = std::min(best_s, took.count());
  }
  return sum == 0 ? 0 : static_cast<double>(kBytes) / best_s;
}

}  // namespace koi::kernels
