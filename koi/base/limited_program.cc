#include "koi/base/limited_program.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

#include "koi/base/error.h"
#include "koi/base/interrupt.h"

namespace koi::base {
namespace {

using Clock = std::chrono::steady_clock;

// What the child ends with where execvp fails, and where it has no descriptors left; as in a shell.
constexpr int kNotFound = 127, kNotRun = 126;

void limit(__rlimit_resource what, rlim_t most) {
  const rlimit value{most, most};
  ::setrlimit(what, &value);
}

// In the child, between fork and exec: system calls only.
[[noreturn]] void become(char* const* argv, int input, int out, int err,
                         const ProgramLimits& limits) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setpgid(0, 0);
  ::signal(SIGINT, SIG_DFL);
  ::signal(SIGTERM, SIG_DFL);
  // Above 9 first, so that no copy falls on a descriptor that is still needed.
  const std::array<int, 4> from{::open("/dev/null", O_RDONLY), out, err, input};
  std::array<int, 4> aside{};
  for (size_t i = 0; i < from.size(); ++i) aside[i] = ::fcntl(from[i], F_DUPFD, 10);
  for (size_t i = 0; i < from.size(); ++i)
    if (::dup2(aside[i], static_cast<int>(i)) < 0) ::_exit(kNotRun);
  ::close_range(kProgramInput + 1, ~0U, 0);
  limit(RLIMIT_AS, limits.memory_bytes);
  limit(RLIMIT_CPU, limits.cpu_s);
  limit(RLIMIT_FSIZE, limits.file_bytes);
  limit(RLIMIT_CORE, 0);
  ::execvp(argv[0], argv);
  ::_exit(kNotFound);
}

struct Pipe {
  int read_end = -1;
  int write_end = -1;

  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
      throw Error(ErrorKind::io, "child process",
                  std::string("no pipe can be made: ") + std::strerror(errno));
    }
    read_end = ends[0];
    write_end = ends[1];
  }
  ~Pipe() {
    ::close(read_end);
    close_write_end();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  void close_write_end() {
    if (write_end >= 0) ::close(write_end);
    write_end = -1;
  }
};

class Child {
 public:
  Child(const std::vector<std::string>& argv, int input, const ProgramLimits& limits)
      : name_(argv.at(0)), limits_(limits) {
    std::vector<char*> words;
    for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    id_ = ::fork();
    if (id_ == 0) become(words.data(), input, out_.write_end, err_.write_end, limits);
    if (id_ < 0) {
      throw Error(ErrorKind::io, "child process",
                  std::string("cannot be started: ") + std::strerror(errno));
    }
    ::setpgid(id_, id_);  // as the child does: either may be the first
    out_.close_write_end();
    err_.close_write_end();
  }
  ~Child() {
    if (id_ <= 0) return;
    end_it();
    while (::waitpid(id_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  ProgramEnd run(const std::function<void(std::string_view)>& take) {
    ProgramEnd end;
    const auto keep = [&end](std::string_view bytes) {
      constexpr size_t kMost = size_t{64} << 10;
      end.messages.append(bytes.substr(0, kMost - std::min(kMost, end.messages.size())));
    };
    std::array<pollfd, 2> open{
        {{out_.read_end, POLLIN, 0}, {err_.read_end, POLLIN, 0}}};  // fd -1: at its end
    while (open[0].fd >= 0 || open[1].fd >= 0) {
      check_time(end);
      if (::poll(open.data(), open.size(), kTickMs) <= 0) continue;
      if (open[0].revents != 0) {
        read_some(open[0].fd, take);
        heard_ = Clock::now();
      }
      if (open[1].revents != 0) read_some(open[1].fd, keep);
    }
    // It may have closed both and still sleep.
    int status = 0;
    pid_t ended = 0;
    while ((ended = ::waitpid(id_, &status, WNOHANG)) == 0) {
      check_time(end);
      ::poll(nullptr, 0, 1);
    }
    id_ = -1;
    if (ended < 0) {  // where SIGCHLD is ignored nobody knows how it ended
      throw Error(ErrorKind::io, name_,
                  std::string("its end cannot be told: ") + std::strerror(errno));
    }
    end.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (end.status == kNotFound)
      throw Error(ErrorKind::not_found, name_, "the program is not installed");
    if (end.status == kNotRun)
      throw Error(ErrorKind::io, name_, "cannot be run: are all file descriptors in use?");
    return end;
  }

 private:
  static constexpr int kTickMs = 50;

  // Kills the program where its time is over.
  void check_time(ProgramEnd& end) const {
    if (stop_requested()) throw Interrupted(name_, "was stopped", "the same command goes on");
    const auto now = Clock::now();
    if (end.timed_out || (now - start_ <= std::chrono::seconds(limits_.wall_s) &&
                          now - heard_ <= std::chrono::seconds(limits_.idle_s)))
      return;
    end.timed_out = true;
    end_it();
  }

  // With whatever it has started: a program may be a script that starts the real one.
  void end_it() const { ::kill(-id_, SIGKILL); }

  // Sets `descriptor` to -1 at its end.
  void read_some(int& descriptor, const std::function<void(std::string_view)>& take) {
    const ssize_t got = ::read(descriptor, buffer_.data(), buffer_.size());
    if (got > 0) {
      take({buffer_.data(), static_cast<size_t>(got)});
    } else if (got == 0 || errno != EINTR) {
      descriptor = -1;
    }
  }

  std::string name_;
  const ProgramLimits& limits_;
  Pipe out_, err_;
  std::array<char, 1 << 16> buffer_;
  Clock::time_point start_ = Clock::now(), heard_ = start_;
  pid_t id_ = -1;
};

}  // namespace

ProgramEnd run_limited(const std::vector<std::string>& argv, int input, const ProgramLimits& limits,
                       const std::function<void(std::string_view)>& take) {
  return Child(argv, input, limits).run(take);
}

}  // namespace koi::base
