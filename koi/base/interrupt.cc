#include "koi/base/interrupt.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

namespace koi::base {
namespace {

// All of them lock-free, as a handler needs it.
std::atomic<int> g_signal = 0;
std::atomic<int64_t> g_first_ms = 0;
std::atomic<pid_t> g_child = 0;

int64_t now_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

extern "C" void on_signal(int signal_number) {
  constexpr int64_t kSameMs = 500;
  if (const pid_t child = g_child; child > 0) ::kill(child, signal_number);
  if (g_signal == 0) {
    g_first_ms = now_ms();
    g_signal = signal_number;
  } else if (now_ms() - g_first_ms > kSameMs) {
    std::signal(signal_number, SIG_DFL);
    std::raise(signal_number);  // delivered when this handler returns
  }
}

}  // namespace

void catch_interrupts() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  // A launcher may have left it ignored: then nobody could know how a child ended.
  std::signal(SIGCHLD, SIG_DFL);
}

bool stop_requested() { return g_signal != 0; }

int stop_status() { return g_signal == 0 ? 0 : 128 + g_signal; }

int run_child(const std::function<void()>& become) {
  // Held back until the child has its own handling and this process knows the child.
  sigset_t both, before;
  ::sigemptyset(&both);
  ::sigaddset(&both, SIGINT);
  ::sigaddset(&both, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &both, &before);
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    become();
    ::_exit(127);
  }
  const int reason = errno;
  g_child = child;
  if (child > 0 && stop_requested()) ::kill(child, g_signal);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (child < 0)
    throw Error(ErrorKind::io, "child process",
                std::string("cannot be started: ") + std::strerror(reason));

  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  g_child = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace koi::base
