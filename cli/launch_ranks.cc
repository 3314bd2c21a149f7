#include "cli/launch_ranks.h"

#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <thread>

#include "koi/base/error.h"
#include "koi/base/interrupt.h"

namespace koi::cli {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const char* doing) {
  throw Error(ErrorKind::io, "trainer.devices", std::string(doing) + ": " + std::strerror(errno));
}

// A port of the loopback interface that nobody uses at the moment.
int free_port() {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (descriptor < 0 || ::bind(descriptor, generic, size) != 0 ||
      ::getsockname(descriptor, generic, &size) != 0) {
    fail("no free port on 127.0.0.1");
  }
  ::close(descriptor);
  return ntohs(address.sin_port);
}

void set_number(const char* name, int value) {
  ::setenv(name, std::to_string(value).c_str(), /*replace=*/1);
}

[[noreturn]] void become_rank(const std::vector<std::string>& argv, pid_t parent) {
  // A group of its own: Ctrl-C on the terminal reaches the parent alone, which hands it on once; a
  // second signal would end the rank in the middle of its checkpoint.
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(127);  // it was killed before the line above
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  ::execv("/proc/self/exe", words.data());
  ::_exit(127);
}

class Ranks {
 public:
  ~Ranks() { signal_all(SIGKILL); }

  void start(int count, const std::vector<std::string>& argv) {
    const pid_t parent = ::getpid();
    set_number("WORLD_SIZE", count);
    set_number("LOCAL_WORLD_SIZE", count);
    ::setenv("MASTER_ADDR", "127.0.0.1", /*replace=*/1);
    set_number("MASTER_PORT", free_port());
    for (int rank = 0; rank < count; ++rank) {
      set_number("RANK", rank);
      set_number("LOCAL_RANK", rank);
      const pid_t child = ::fork();
      if (child < 0) fail("a process cannot be started");
      if (child == 0) become_rank(argv, parent);
      running_.push_back(child);
    }
  }

  int wait_for_all() {
    constexpr auto kGrace = std::chrono::seconds(5);
    bool told_to_stop = false;
    std::optional<Clock::time_point> deadline;
    while (!running_.empty()) {
      if (!told_to_stop && base::stop_requested()) {
        told_to_stop = true;
        signal_all(base::stop_status() - 128);
      }
      collect();
      if (first_failure_ != 0 && !deadline) deadline = Clock::now() + kGrace;
      if (deadline && Clock::now() > *deadline) signal_all(SIGKILL);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return first_failure_;
  }

 private:
  void signal_all(int number) const {
    for (const pid_t child : running_) ::kill(child, number);
  }

  void collect() {
    std::erase_if(running_, [this](pid_t child) {
      int status = 0;
      if (::waitpid(child, &status, WNOHANG) != child) return false;
      const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      if (first_failure_ == 0) first_failure_ = code;
      return true;
    });
  }

  std::vector<pid_t> running_;
  int first_failure_ = 0;
};

}  // namespace

int launch_ranks(int count, const std::vector<std::string>& argv) {
  Ranks ranks;
  ranks.start(count, argv);
  return ranks.wait_for_all();
}

std::vector<std::string> own_arguments() {
  std::ifstream line("/proc/self/cmdline");
  std::vector<std::string> arguments;
  for (std::string word; std::getline(line, word, '\0');) arguments.push_back(word);
  return arguments;
}

}  // namespace koi::cli
