// Threads that work in lock-step on many small pieces, as a token of a language model asks for: a
// piece costs some ten microseconds, and starting one must cost next to nothing.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace koi::kernels {

class Team {
 public:
  // `threads` in all, the caller's included; at least 1. Fewer where the system gives no more.
  explicit Team(size_t threads);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  size_t size() const { return threads_.size() + 1; }

  // Calls work(first, last) for pieces of at most `grain` of 0 .. count - 1 until all are done, on
  // all threads. Each has a part of its own, which it goes through from the beginning on, so that
  // it reads what lies there in one stream; whoever is done takes from the ends of the others'
  // parts, so that a thread that other programs keep from running holds up its own piece only.
  // `work` must not throw. From one thread at a time.
  template <typename Work>
  void share(int64_t count, int64_t grain, const Work& work) {
    if (threads_.empty() || count <= grain) {
      for (int64_t first = 0; first < count; first += grain)
        work(first, std::min(first + grain, count));
      return;
    }
    task_.call.store([](const void* context, int64_t first,
                        int64_t last) { (*static_cast<const Work*>(context))(first, last); },
                     std::memory_order_relaxed);
    task_.context.store(&work, std::memory_order_relaxed);
    task_.grain.store(grain, std::memory_order_relaxed);
    const int64_t most = kMostPieces * grain;
    for (int64_t from = 0; from < count; from += most) run(from, std::min(from + most, count));
  }

 private:
  static constexpr int64_t kMostPieces = 0xffff;  // of a round

  // Written by the caller's thread while no piece is left to take, read by all others.
  struct Task {
    std::atomic<void (*)(const void* context, int64_t first, int64_t last)> call{nullptr};
    std::atomic<const void*> context{nullptr};
    std::atomic<int64_t> first{0}, last{0}, grain{1};
  };
  // A thread's part: the round in the upper half, below it the first piece that nobody has taken
  // and the one behind the last, 16 bits each. A thread takes one by making the part smaller: where
  // another round has begun meanwhile, that fails, so that what it had read of the task is of no
  // account, and nobody ever waits for a thread that has taken nothing.
  struct alignas(64) Part {
    std::atomic<uint64_t> state{0};
  };
  void run(int64_t first, int64_t last);
  void deal(uint32_t pieces);
  bool take_piece(size_t thread);
  bool take_from(size_t part, bool own);
  void stand_by(size_t thread);

  std::vector<Part> parts_;  // of each thread that was asked for
  std::vector<std::thread> threads_;
  Task task_;
  alignas(64) std::atomic<uint32_t> round_{0};
  alignas(64) std::atomic<uint32_t> done_{0};  // pieces of this round
  std::atomic<bool> ending_{false};
};

}  // namespace koi::kernels
