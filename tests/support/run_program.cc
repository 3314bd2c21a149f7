#include "tests/support/run_program.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "koi/base/files.h"
#include "tests/support/temp_dir.h"

namespace koi::test {

RunResult run(const std::vector<std::string>& argv, const std::filesystem::path& folder) {
  const TempDir scratch;
  const std::string out = (scratch / "out").string();
  const std::string err = (scratch / "err").string();
  const pid_t child = ::fork();
  if (child == 0) {
    std::vector<char*> arguments;
    for (const std::string& argument : argv)
      arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    if (::chdir(folder.c_str()) != 0 || std::freopen(out.c_str(), "w", stdout) == nullptr ||
        std::freopen(err.c_str(), "w", stderr) == nullptr ||
        std::freopen("/dev/null", "r", stdin) == nullptr) {
      ::_exit(126);
    }
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  int status = 0;
  struct rusage usage {};
  ::wait4(child, &status, 0, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), base::read_file(out),
          base::read_file(err), usage.ru_maxrss, seconds(usage.ru_utime) + seconds(usage.ru_stime)};
}

RunResult koi(std::vector<std::string> arguments, const std::filesystem::path& folder) {
  arguments.insert(arguments.begin(), KOI_BINARY_DIR "/koi");
  return run(arguments, folder);
}

}  // namespace koi::test
