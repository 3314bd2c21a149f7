// A progress line on stderr: a bar with rate and time left on a terminal, a plain line every ten
// seconds elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace koi::base {

class Progress {
 public:
  // `label` says what is done ("extract-vq"), `unit` what is counted ("files"); total 0 means
  // unknown.
  Progress(std::string label, std::string unit, uint64_t total);
  ~Progress();  // ends the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // May be called from any thread. `note` (a loss, say) stands at the end of the line.
  void advance(uint64_t count = 1, std::string note = {});

  // Prints a line of its own above the bar (a warning about one file). Thread-safe.
  void print_line(const std::string& line);

 private:
  using Clock = std::chrono::steady_clock;
  void draw(bool last);
  std::string line() const;

  std::string label_;
  std::string unit_;
  uint64_t total_;
  uint64_t done_ = 0;
  std::string note_;
  bool terminal_;
  bool drawn_ = false;
  std::mutex mutex_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_draw_ = start_;
};

// "1:02:03" or "2:03".
std::string format_duration(double seconds);

}  // namespace koi::base
