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

uint64_t part_of(uint32_t round, uint32_t begin, uint32_t end) {
  return uint64_t{round} << 32 | begin << 16 | end;
}

}  // namespace

Team::Team(size_t threads) : parts_(threads) {
  threads_.reserve(threads);
  try {
    for (size_t i = 1; i < threads; ++i) threads_.emplace_back([this, i] { stand_by(i); });
  } catch (const std::system_error&) {
    // The system gives no more: those that are there do all the work.
  }
}

Team::~Team() {
  ending_ = true;
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Team::run(int64_t first, int64_t last) {
  const int64_t grain = task_.grain.load(std::memory_order_relaxed);
  const auto pieces = static_cast<uint32_t>((last - first + grain - 1) / grain);
  task_.first.store(first, std::memory_order_relaxed);
  task_.last.store(last, std::memory_order_relaxed);
  done_.store(0, std::memory_order_relaxed);
  deal(pieces);
  while (take_piece(0)) {
  }
  for (uint32_t done = 0; (done = done_.load(std::memory_order_acquire)) != pieces;)
    wait_for_change(done_, done);
}

// Gives each thread as many pieces, and wakes all.
void Team::deal(uint32_t pieces) {
  const uint32_t round = round_.load(std::memory_order_relaxed) + 1;
  const auto count = static_cast<uint32_t>(parts_.size());
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t part = part_of(round, i * pieces / count, (i + 1) * pieces / count);
    parts_[i].state.store(part, std::memory_order_release);
  }
  round_.store(round, std::memory_order_release);
  round_.notify_all();
}

// False where none is left.
bool Team::take_piece(size_t thread) {
  for (size_t i = 0; i < parts_.size(); ++i)
    if (take_from((thread + i) % parts_.size(), i == 0)) return true;
  return false;
}

bool Team::take_from(size_t part, bool own) {
  std::atomic<uint64_t>& state = parts_[part].state;
  uint64_t seen = state.load(std::memory_order_acquire);
  while (true) {
    const auto begin = static_cast<uint16_t>(seen >> 16), end = static_cast<uint16_t>(seen);
    if (begin == end) return false;
    const auto call = task_.call.load(std::memory_order_relaxed);
    const void* context = task_.context.load(std::memory_order_relaxed);
    const int64_t grain = task_.grain.load(std::memory_order_relaxed);
    const int64_t from = task_.first.load(std::memory_order_relaxed);
    const int64_t last = task_.last.load(std::memory_order_relaxed);
    const uint64_t rest = own ? seen + (uint64_t{1} << 16) : seen - 1;
    if (!state.compare_exchange_weak(seen, rest, std::memory_order_acq_rel)) continue;
    const int64_t first = from + (own ? begin : end - 1) * grain;
    call(context, first, std::min(first + grain, last));
    done_.fetch_add(1, std::memory_order_release);
    done_.notify_one();
    return true;
  }
}

void Team::stand_by(size_t thread) {
  while (!ending_) {
    const uint32_t seen = round_.load(std::memory_order_acquire);
    while (take_piece(thread)) {
    }
    if (!ending_) wait_for_change(round_, seen);
  }
}

}  // namespace koi::kernels
