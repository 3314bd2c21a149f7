// A program that runs beside the test.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "tests/support/temp_dir.h"

namespace koi::test {

class Process {
 public:
  // Starts argv[0] (a path) with the variables added to this process's own.
  Process(const std::vector<std::string>& argv,
          const std::map<std::string, std::string>& variables);
  ~Process();  // kills it if it still runs
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void signal(int number) const;
  bool ended();
  int wait();  // the exit status; 128 + n after signal n

  std::vector<pid_t> children() const;  // that it has started itself, oldest first

  std::string out() const;  // what it has written so far to standard output
  std::string err() const;  // and to standard error

  // Returns when standard output holds `text`, or the program has ended without.
  void wait_for(const std::string& text);

 private:
  TempDir scratch_;
  pid_t id_ = -1;
  int status_ = -1;  // -1: runs
};

// A TCP port that nobody uses at the moment, so that tests may run side by side.
int free_port();

}  // namespace koi::test
