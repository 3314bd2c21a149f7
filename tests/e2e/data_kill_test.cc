// Data commands that are killed (SIGKILL) at many moments, most of them while they write a file,
// and started again by the same command: what they leave equals byte for byte what a run leaves
// that nothing disturbed, and nothing else lies there.
#include <gmock/gmock.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "tests/support/data_commands.h"

namespace koi::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kKills = 12;

class KilledData : public testing::TestWithParam<DataCommand> {};

TEST_P(KilledData, EqualsUnbroken) {
  const DataPlaces places(GetParam());
  places.make("whole");
  places.make("broken");
  const auto begin = Clock::now();
  const auto whole = places.start("whole");
  ASSERT_EQ(whole->wait(), 0) << whole->err();
  const auto time = Clock::now() - begin;

  base::PythonRandom random(11);
  int while_writing = 0, kills = 0;
  for (int i = 0; i < kKills; ++i) {
    const auto broken = places.start("broken");
    if (i % 4 == 0) {  // at any moment
      const auto until =
          Clock::now() + std::chrono::duration_cast<Clock::duration>(time * random.random() / 4);
      while (Clock::now() < until) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    while (i % 4 != 0 && !places.writes("broken") && !broken->ended()) {
      // Sleeping would miss it.
    }
    if (!broken->ended()) broken->signal(SIGKILL);
    kills += broken->wait() == 128 + SIGKILL ? 1 : 0;
    while_writing += places.writes("broken") ? 1 : 0;
  }
  EXPECT_GE(kills, 3);
  EXPECT_GE(while_writing, 1);

  const auto again = places.start("broken");
  ASSERT_EQ(again->wait(), 0) << again->err();
  const Files expected = files_in(places.output("whole")), left = files_in(places.output("broken"));
  EXPECT_GT(expected.size(), 1U);
  for (const auto& [path, bytes] : expected) {
    EXPECT_THAT(path, testing::Not(testing::HasSubstr(".koi-")));
    ASSERT_TRUE(left.contains(path)) << path;
    EXPECT_TRUE(left.at(path) == bytes) << path;
  }
  EXPECT_EQ(left.size(), expected.size());
}

INSTANTIATE_TEST_SUITE_P(All, KilledData, testing::ValuesIn(data_commands()),
                         [](const auto& given) { return given.param.name; });

}  // namespace
}  // namespace koi::test
