#include "koi/train/heartbeat.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace koi::train {
namespace {

using std::chrono::milliseconds;

const Error kLost(ErrorKind::io, "rank 0 of 2", "a rank ended");

// The sum over this rank and one that has left already, or has not, or is dead.
double with_left_peer(double mine) { return mine + 1; }
double with_working_peer(double mine) { return mine; }
double with_dead_peer(double) { throw kLost; }

HeartbeatOptions options(std::function<double(double)> sum) {
  HeartbeatOptions result;
  result.sum = std::move(sum);
  result.world_size = 2;
  result.interval = milliseconds(1);
  result.grace = milliseconds(20);
  return result;
}

// Waits until `holds`; a test that waits in vain is ended by ctest.
void wait_until(const std::function<bool()>& holds) {
  while (!holds()) std::this_thread::yield();
}

TEST(Heartbeat, BeatsUntilAllRanksLeave) {
  std::atomic<int> beats = 0;
  std::atomic<bool> peer_leaves = false;
  Heartbeat heartbeat(options([&](double mine) {
    ++beats;
    return peer_leaves ? with_left_peer(mine) : with_working_peer(mine);
  }));
  wait_until([&] { return beats > 3; });
  auto finished = std::async(std::launch::async, [&] { heartbeat.finish(); });
  const int before = beats;
  wait_until([&] { return beats > before + 3; });
  EXPECT_EQ(finished.wait_for(milliseconds(0)), std::future_status::timeout);
  peer_leaves = true;
  finished.get();
  EXPECT_NO_THROW(heartbeat.check());
}

TEST(Heartbeat, TellsTheCallerOfALostPeer) {
  std::atomic<bool> called = false;
  {
    HeartbeatOptions with_callback = options(with_dead_peer);
    with_callback.grace = std::chrono::hours(1);
    with_callback.lost = [&](const Error&) { called = true; };
    Heartbeat heartbeat(with_callback);
    wait_until([&] { return heartbeat.failed(); });
    EXPECT_THROW(heartbeat.check(), Error);
    EXPECT_THROW(heartbeat.finish(), Error);
  }
  EXPECT_FALSE(called);  // the caller knew
}

TEST(Heartbeat, CallsBackWhereNobodyAsks) {
  std::promise<std::string> line;
  HeartbeatOptions with_callback = options(with_dead_peer);
  with_callback.lost = [&](const Error& error) { line.set_value(error.what()); };
  Heartbeat heartbeat(with_callback);
  EXPECT_EQ(line.get_future().get(), kLost.what());
}

TEST(Heartbeat, CanBeGivenUpAtAnyTime) {
  { Heartbeat beating(options(with_working_peer)); }
  { Heartbeat failed(options(with_dead_peer)); }
  HeartbeatOptions silent = options(with_dead_peer);
  silent.lost = [](const Error&) { FAIL() << "the caller knew"; };
  silent.grace = std::chrono::hours(1);
  Heartbeat heartbeat(silent);
  wait_until([&] { return heartbeat.failed(); });
  heartbeat.silence();
}

}  // namespace
}  // namespace koi::train
