#include "tests/support/terminal_program.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>

namespace koi::test {
namespace {

constexpr int kLimitMs = 60'000;

[[noreturn]] void become(const std::vector<std::string>& argv, const std::filesystem::path& folder,
                         int terminal) {
  std::vector<char*> arguments;
  for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const int nothing = ::open("/dev/null", O_RDWR);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(nothing, STDOUT_FILENO);
  ::dup2(terminal, STDERR_FILENO);
  std::signal(SIGINT, SIG_DFL);  // shells ignore it for what they run in the background
  if (::chdir(folder.c_str()) == 0) ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

}  // namespace

TerminalProgram::TerminalProgram(const std::vector<std::string>& argv,
                                 const std::filesystem::path& folder) {
  terminal_ = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  ::grantpt(terminal_);
  ::unlockpt(terminal_);
  const int other_end = ::open(::ptsname(terminal_), O_RDWR | O_NOCTTY | O_CLOEXEC);
  child_ = ::fork();
  if (child_ == 0) become(argv, folder, other_end);
  ::close(other_end);
}

TerminalProgram::~TerminalProgram() {
  if (child_ > 0) {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  ::close(terminal_);
}

bool TerminalProgram::read_more(int timeout_ms) {
  pollfd ready{terminal_, POLLIN, 0};
  if (::poll(&ready, 1, timeout_ms) <= 0) return false;
  char bytes[4096];
  const ssize_t got = ::read(terminal_, bytes, sizeof(bytes));
  if (got <= 0) return false;  // EIO: nobody writes any more
  said_.append(bytes, static_cast<size_t>(got));
  return true;
}

bool TerminalProgram::wait_until(const std::function<bool(const std::string&)>& enough) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::milliseconds(kLimitMs);
  while (!enough(said_)) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    if (left.count() <= 0 || !read_more(static_cast<int>(left.count()))) return false;
  }
  return true;
}

void TerminalProgram::signal(int number) const { ::kill(child_, number); }

int TerminalProgram::wait() {
  while (read_more(kLimitMs)) {
  }
  int status = 0;
  ::waitpid(child_, &status, 0);
  child_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace koi::test
