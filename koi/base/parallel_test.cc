#include "koi/base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <stdexcept>
#include <vector>

#include "koi/base/interrupt.h"

namespace koi::base {
namespace {

TEST(ParallelFor, calls_each_index_once) {
  for (const size_t workers : {0, 1, 3, 64}) {
    std::vector<std::atomic<int>> calls(1000);
    EXPECT_EQ(parallel_for(calls.size(), workers, [&](size_t i) { ++calls[i]; }), calls.size());
    for (const auto& count : calls) EXPECT_EQ(count, 1);
  }
  EXPECT_EQ(parallel_for(0, 4, [](size_t) { FAIL(); }), 0U);
}

TEST(ParallelFor, the_first_exception_ends_the_work_and_comes_back) {
  for (const size_t workers : {1, 4}) {
    std::atomic<size_t> calls = 0;
    const auto work = [&](size_t i) {
      ++calls;
      if (i >= 10) throw std::runtime_error("at 10");
    };
    EXPECT_THROW(parallel_for(1'000'000, workers, work), std::runtime_error);
    EXPECT_LE(calls, 11 + workers);
  }
}

TEST(ParallelFor, a_signal_stops_it_between_two_indices) {
  const auto stopped_after_three = [] {
    catch_interrupts();
    const size_t handed_out = parallel_for(100, 1, [](size_t i) {
      if (i == 2) std::raise(SIGTERM);
    });
    std::_Exit(handed_out == 3 && stop_requested() ? 0 : 1);
  };
  EXPECT_EXIT(stopped_after_three(), testing::ExitedWithCode(0), "");
}

TEST(UsableCores, is_at_least_one) { EXPECT_GE(usable_cores(), 1U); }

}  // namespace
}  // namespace koi::base
