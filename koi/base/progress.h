// A progress line on stderr: a bar with rate and time left on a terminal (cut at its right edge
// while it moves), a plain line every ten seconds elsewhere.
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

  // Recorded sound that was worked on, in all told by the next line that is drawn.
  void add_audio(double seconds);

  // As advance(), with `words` in place of counts, rate, time and note: behind a shorter bar on a
  // terminal, behind the label elsewhere. A line that stays is drawn at once, the next one below.
  enum class Line { passes, stays };
  void advance_as(uint64_t count, std::string words, Line line = Line::passes);

  // Prints a line of its own above the bar (a warning about one file). Thread-safe.
  void print_line(const std::string& line);

 private:
  using Clock = std::chrono::steady_clock;
  void draw_if_due();
  void draw(bool last);
  std::string text() const;

  std::string label_;
  std::string unit_;
  uint64_t total_;
  uint64_t done_ = 0;
  double audio_s_ = 0;
  std::string note_;
  std::string words_;
  bool terminal_;
  bool drawn_ = false;  // the present line
  bool stale_ = false;  // something was done since
  std::mutex mutex_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_draw_ = start_;
};

// The beginning of a line of UTF-8 that takes so many columns, one a code point.
std::string first_columns(const std::string& line, size_t columns);

// "1:02:03" or "2:03".
std::string format_duration(double seconds);

}  // namespace koi::base
