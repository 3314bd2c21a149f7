#include "koi/base/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <limits>

#include "koi/base/utf8.h"

namespace koi::base {
namespace {

// Of the terminal that stderr is; as many as there may be where it does not say.
size_t terminal_columns() {
  struct winsize size {};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : std::numeric_limits<size_t>::max();
}

}  // namespace

std::string first_columns(const std::string& line, size_t columns) {
  size_t end = 0;
  for (size_t column = 0; column < columns && end < line.size(); ++column)
    end += std::max<size_t>(1, utf8_sequence_length(std::string_view(line).substr(end)));
  return line.substr(0, end);
}

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
  if (drawn_ && (terminal_ || stale_)) draw(true);
}

void Progress::advance(uint64_t count, std::string note) {
  const std::lock_guard lock(mutex_);
  done_ += count;
  stale_ = true;
  if (!note.empty()) note_ = std::move(note);
  draw_if_due();
}

void Progress::add_audio(double seconds) {
  const std::lock_guard lock(mutex_);
  audio_s_ += seconds;
}

void Progress::advance_as(uint64_t count, std::string words, Line line) {
  const std::lock_guard lock(mutex_);
  done_ += count;
  stale_ = true;
  words_ = std::move(words);
  if (line == Line::passes) return draw_if_due();
  draw(true);
  drawn_ = false;
}

void Progress::draw_if_due() {
  const auto pause = terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(10'000);
  if (Clock::now() - last_draw_ >= pause) draw(false);
}

void Progress::print_line(const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (terminal_ && drawn_) std::fputs("\r\x1b[K", stderr);
  std::fprintf(stderr, "%s\n", text.c_str());
  if (terminal_ && drawn_) draw(false);
}

std::string Progress::text() const {
  const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
  const double rate = elapsed > 0 ? static_cast<double>(done_) / elapsed : 0;
  std::string line = label_ + " ";
  if (total_ > 0 && terminal_) {
    const uint64_t width = words_.empty() ? 24 : 8;
    const uint64_t filled = std::min(width, width * done_ / total_);
    line += "[" + std::string(filled, '=') + std::string(width - filled, ' ') + "] ";
  }
  if (!words_.empty()) return line + words_;
  line += total_ > 0 ? fmt::format("{}/{} {}", done_, total_, unit_)
                     : fmt::format("{} {}", done_, unit_);
  line += fmt::format(", {:.{}f} {}/s", rate, rate < 10 ? 2 : 0, unit_);
  if (audio_s_ > 0) line += ", " + format_duration(audio_s_) + " of audio";
  if (total_ > done_ && rate > 0) {
    line += ", " + format_duration(static_cast<double>(total_ - done_) / rate) + " left";
  } else {
    line += ", " + format_duration(elapsed);
  }
  return note_.empty() ? line : line + ", " + note_;
}

void Progress::draw(bool last) {
  drawn_ = true;
  stale_ = false;
  last_draw_ = Clock::now();
  if (terminal_) {
    // A line that is drawn over again must not wrap.
    const std::string line = last ? text() + "\n" : first_columns(text(), terminal_columns());
    std::fprintf(stderr, "\r\x1b[K%s", line.c_str());
    std::fflush(stderr);
  } else {
    std::fprintf(stderr, "%s\n", text().c_str());
  }
}

}  // namespace koi::base
