// Tells a slow peer from a dead or hung one: every rank shows a sign of life many times in the time
// that a peer may be silent, on a thread of its own, however long its step takes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "koi/base/error.h"

namespace koi::train {

struct HeartbeatOptions {
  // Adds up a number over all ranks; all of them must call it. Throws Error where a rank is dead or
  // does not answer in time.
  std::function<double(double)> sum;
  int world_size = 1;
  std::chrono::milliseconds interval{500};  // between two signs of life
  // A lost peer is told to whoever calls check() or finish(); if nobody has after this long,
  // `lost` is called on the heartbeat's thread.
  std::chrono::milliseconds grace{3000};
  std::function<void(const Error&)> lost;  // may be empty
};

class Heartbeat {
 public:
  explicit Heartbeat(HeartbeatOptions options);
  // Without finish() the other ranks take this one for lost, once what `sum` uses is gone.
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  void check();  // throws the Error of a lost peer

  // The caller knows already that a peer is lost: nobody else is told.
  void silence();

  bool failed() const;

  // Returns when all ranks have called it; then no rank takes another's end for a fault. Throws the
  // Error of a peer that is lost meanwhile.
  void finish();

 private:
  void run();
  void report(std::unique_lock<std::mutex>& lock);

  HeartbeatOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool leaving_ = false;   // finish() was called
  bool finished_ = false;  // by all ranks
  bool stopped_ = false;   // the destructor was called
  bool noticed_ = false;   // the caller knows of the failure
  std::optional<Error> failure_;
  std::thread thread_;  // the last: it uses all others
};

}  // namespace koi::train
