#include "koi/base/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace koi::base {

std::string format_duration(double seconds) {
  const auto whole = static_cast<int64_t>(seconds + 0.5);
  const int64_t hours = whole / 3600;
  const int64_t minutes = whole / 60 % 60;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, whole % 60);
  return fmt::format("{}:{:02}", minutes, whole % 60);
}

Progress::Progress(std::string label, std::string unit, uint64_t total)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      terminal_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  const std::lock_guard lock(mutex_);
  if (drawn_) draw(true);
}

void Progress::advance(uint64_t count, std::string note) {
  const std::lock_guard lock(mutex_);
  done_ += count;
  if (!note.empty()) note_ = std::move(note);
  const auto pause = terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(10'000);
  if (Clock::now() - last_draw_ >= pause) draw(false);
}

void Progress::print_line(const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (terminal_ && drawn_) std::fputs("\r\x1b[K", stderr);
  std::fprintf(stderr, "%s\n", text.c_str());
  if (terminal_ && drawn_) draw(false);
}

std::string Progress::line() const {
  const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
  const double rate = elapsed > 0 ? static_cast<double>(done_) / elapsed : 0;
  std::string text = label_ + " ";
  if (total_ > 0) {
    constexpr uint64_t kWidth = 24;
    const uint64_t filled = std::min(kWidth, kWidth * done_ / total_);
    if (terminal_)
      text += "[" + std::string(filled, '=') + std::string(kWidth - filled, ' ') + "] ";
    text += fmt::format("{}/{} {}", done_, total_, unit_);
  } else {
    text += fmt::format("{} {}", done_, unit_);
  }
  text += fmt::format(", {:.{}f} {}/s", rate, rate < 10 ? 2 : 0, unit_);
  if (total_ > done_ && rate > 0) {
    text += ", " + format_duration(static_cast<double>(total_ - done_) / rate) + " left";
  } else {
    text += ", " + format_duration(elapsed);
  }
  return note_.empty() ? text : text + ", " + note_;
}

void Progress::draw(bool last) {
  drawn_ = true;
  last_draw_ = Clock::now();
  if (terminal_) {
    std::fprintf(stderr, "\r\x1b[K%s%s", line().c_str(), last ? "\n" : "");
    std::fflush(stderr);
  } else {
    std::fprintf(stderr, "%s\n", line().c_str());
  }
}

}  // namespace koi::base
