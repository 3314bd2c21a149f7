#include "koi/kernels/team.h"

#include <algorithm>
#include <chrono>
#include <system_error>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace koi::kernels {
namespace {

// A thread that finds nothing to do looks again for this long before it sleeps: longer than what
// lies between two tasks of one token, shorter than what another program would miss.
constexpr std::chrono::microseconds kSpin{30};

void pause_briefly() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Waits until `value` is no longer `seen`.
template <typename T>
void wait_for_change(const std::atomic<T>& value, T seen) {
  const auto begin = std::chrono::steady_clock::now();
  do {
    for (int i = 0; i < 64; ++i) {
      if (value.load(std::memory_order_acquire) != seen) return;
      pause_briefly();
    }
  } while (std::chrono::steady_clock::now() - begin < kSpin);
  value.wait(seen, std::memory_order_acquire);
}

constexpr uint64_t kOneRound = uint64_t{1} << 32;

uint32_t pieces_left(uint64_t state) { return static_cast<uint32_t>(state); }

}  // namespace

Team::Team(size_t threads) {
  threads_.reserve(threads);
  try {
    for (size_t i = 1; i < threads; ++i) threads_.emplace_back([this] { stand_by(); });
  } catch (const std::system_error&) {
    // The system gives no more: those that are there do all the work.
  }
}

Team::~Team() {
  ending_ = true;
  state_.fetch_add(kOneRound, std::memory_order_release);
  state_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Team::run() {
  const int64_t grain = task_.grain.load(std::memory_order_relaxed);
  const auto pieces =
      static_cast<uint32_t>((task_.count.load(std::memory_order_relaxed) + grain - 1) / grain);
  done_.store(0, std::memory_order_relaxed);
  const uint64_t before = state_.load(std::memory_order_relaxed);  // no pieces are left in it
  state_.store(before + kOneRound + pieces, std::memory_order_release);
  state_.notify_all();
  while (take_piece()) {
  }
  for (uint32_t done = 0; (done = done_.load(std::memory_order_acquire)) != pieces;)
    wait_for_change(done_, done);
}

// False where none is left.
bool Team::take_piece() {
  uint64_t state = state_.load(std::memory_order_acquire);
  while (pieces_left(state) > 0) {
    const auto call = task_.call.load(std::memory_order_relaxed);
    const void* context = task_.context.load(std::memory_order_relaxed);
    const int64_t count = task_.count.load(std::memory_order_relaxed);
    const int64_t grain = task_.grain.load(std::memory_order_relaxed);
    if (!state_.compare_exchange_weak(state, state - 1, std::memory_order_acq_rel)) continue;
    const int64_t first = int64_t{pieces_left(state) - 1} * grain;
    call(context, first, std::min(first + grain, count));
    done_.fetch_add(1, std::memory_order_release);
    done_.notify_one();
    return true;
  }
  return false;
}

void Team::stand_by() {
  while (!ending_) {
    const uint64_t seen = state_.load(std::memory_order_acquire);
    if (!take_piece() && !ending_) wait_for_change(state_, seen);
  }
}

}  // namespace koi::kernels
