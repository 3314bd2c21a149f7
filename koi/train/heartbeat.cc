#include "koi/train/heartbeat.h"

#include <utility>

namespace koi::train {

Heartbeat::Heartbeat(HeartbeatOptions options)
    : options_(std::move(options)), thread_([this] { run(); }) {}

Heartbeat::~Heartbeat() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Heartbeat::check() {
  const std::lock_guard lock(mutex_);
  if (!failure_) return;
  noticed_ = true;
  changed_.notify_all();
  throw Error(*failure_);
}

void Heartbeat::silence() {
  const std::lock_guard lock(mutex_);
  noticed_ = true;
  changed_.notify_all();
}

bool Heartbeat::failed() const {
  const std::lock_guard lock(mutex_);
  return failure_.has_value();
}

void Heartbeat::finish() {
  {
    std::unique_lock lock(mutex_);
    leaving_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return finished_ || failure_; });
  }
  check();
}

void Heartbeat::run() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    const bool leaving = leaving_;
    lock.unlock();
    double leaving_ranks = 0;
    std::optional<Error> failure;
    try {
      leaving_ranks = options_.sum(leaving ? 1 : 0);
    } catch (const Error& error) {
      failure = error;
    }
    lock.lock();
    if (failure) {
      failure_ = std::move(failure);
      changed_.notify_all();
      report(lock);
      return;
    }
    if (leaving_ranks == options_.world_size) {
      finished_ = true;
      changed_.notify_all();
      return;
    }
    changed_.wait_for(lock, options_.interval, [&] { return stopped_ || leaving_ != leaving; });
  }
}

void Heartbeat::report(std::unique_lock<std::mutex>& lock) {
  const bool known =
      changed_.wait_for(lock, options_.grace, [this] { return stopped_ || noticed_; });
  if (known || !options_.lost) return;
  const Error error = *failure_;
  lock.unlock();
  options_.lost(error);
}

}  // namespace koi::train
