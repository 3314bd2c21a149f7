#include "tests/support/process.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "koi/base/files.h"

namespace koi::test {
namespace {

void send_to_file(const std::string& path, int descriptor) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (file < 0 || ::dup2(file, descriptor) < 0) ::_exit(126);
}

}  // namespace

Process::Process(const std::vector<std::string>& argv,
                 const std::map<std::string, std::string>& variables) {
  base::write_file(scratch_ / "out", "");
  base::write_file(scratch_ / "err", "");
  id_ = ::fork();
  if (id_ != 0) return;
  for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 1);
  send_to_file((scratch_ / "out").string(), STDOUT_FILENO);
  send_to_file((scratch_ / "err").string(), STDERR_FILENO);
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  ::execv(words[0], words.data());
  ::_exit(127);
}

Process::~Process() {
  if (ended()) return;
  signal(SIGKILL);
  wait();
}

void Process::signal(int number) const { ::kill(id_, number); }

int Process::wait() {
  while (!ended()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return status_;
}

bool Process::ended() {
  int status = 0;
  if (status_ < 0 && ::waitpid(id_, &status, WNOHANG) == id_)
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return status_ >= 0;
}

std::vector<pid_t> Process::children() const {
  const std::string id = std::to_string(id_);
  std::ifstream list("/proc/" + id + "/task/" + id + "/children");
  std::vector<pid_t> found;
  for (pid_t child = 0; list >> child;) found.push_back(child);
  return found;
}

std::string Process::out() const { return base::read_file(scratch_ / "out"); }
std::string Process::err() const { return base::read_file(scratch_ / "err"); }

void Process::wait_for(const std::string& text) {
  while (out().find(text) == std::string::npos && !ended())
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

int free_port() {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const bool bound =
      ::bind(descriptor, generic, size) == 0 && ::getsockname(descriptor, generic, &size) == 0;
  ::close(descriptor);
  if (!bound) throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

}  // namespace koi::test
