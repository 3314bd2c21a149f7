#include "koi/kernels/team.h"

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace koi::kernels {
namespace {

// Rounds of all sizes right behind each other: each index is worked on once, before share() ends.
TEST(Team, EachIndexOnceInEveryRound) {
  for (const size_t threads : {1, 2, 5}) {
    Team team(threads);
    EXPECT_EQ(team.size(), threads);
    for (int64_t round = 0; round < 3000; ++round) {
      const int64_t count = round % 67, grain = 1 + round % 5;
      std::vector<std::atomic<int>> counts(static_cast<size_t>(count));
      team.share(count, grain, [&](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; ++i) counts[static_cast<size_t>(i)] += 1;
      });
      for (const auto& times : counts) ASSERT_EQ(times, 1) << "round " << round;
    }
  }
}

TEST(Team, PiecesAreNoLargerThanAskedFor) {
  for (const size_t threads : {1, 2}) {
    Team team(threads);
    std::atomic<int64_t> largest = 0, sum = 0;
    team.share(1000, 7, [&](int64_t first, int64_t last) {
      int64_t seen = largest;
      while (last - first > seen && !largest.compare_exchange_weak(seen, last - first)) {
      }
      sum += last - first;
    });
    EXPECT_EQ(largest, 7);
    EXPECT_EQ(sum, 1000);
  }
}

// What the caller's thread takes of its own half comes in order, without a gap.
TEST(Team, EachThreadReadsItsPartForwards) {
  Team team(2);
  const std::thread::id caller = std::this_thread::get_id();
  size_t taken = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<int64_t> own;
    team.share(64, 1, [&](int64_t first, int64_t /*last*/) {
      if (std::this_thread::get_id() == caller && first < 32) own.push_back(first);
    });
    for (size_t i = 0; i < own.size(); ++i) ASSERT_EQ(own[i], static_cast<int64_t>(i));
    taken += own.size();
  }
  EXPECT_GT(taken, 200);  // all may be taken by the other in some rounds, not in all
}

TEST(Team, MorePiecesThanARoundHolds) {
  Team team(2);
  constexpr int64_t kCount = 200001;
  std::vector<std::atomic<char>> counts(kCount);
  team.share(kCount, 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) counts[static_cast<size_t>(i)] += 1;
  });
  for (const auto& times : counts) ASSERT_EQ(times, 1);
}

TEST(Team, SleepersWakeUp) {
  Team team(3);
  for (int round = 0; round < 20; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // far beyond what they spin for
    std::atomic<int64_t> sum = 0;
    team.share(100, 1, [&](int64_t first, int64_t /*last*/) { sum += first; });
    EXPECT_EQ(sum, 4950);
  }
}

// One thread is held up in a piece: the other does all the rest.
TEST(Team, APieceThatTakesLongHoldsUpNoOther) {
  constexpr int kPieces = 64;
  Team team(2);
  std::atomic<bool> begun = false;
  std::atomic<int> done = 0;
  const auto wait_for = [](const auto& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!condition() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    return condition();
  };
  bool others_went_on = false;
  std::atomic<int> next = 0;
  team.share(kPieces, 1, [&](int64_t, int64_t) {
    if (next++ == 0) {
      begun = true;
      others_went_on = wait_for([&] { return done == kPieces - 1; });
    } else {
      wait_for([&] { return begun.load(); });
    }
    ++done;
  });
  EXPECT_TRUE(others_went_on);
  EXPECT_EQ(done, kPieces);
}

}  // namespace
}  // namespace koi::kernels
