// A program whose standard error is a terminal, so that it draws its progress at once, and that can
// be told to stop in the midst of it.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace koi::test {

class TerminalProgram {
 public:
  // As run(): `folder` is the working folder. Standard output is thrown away.
  TerminalProgram(const std::vector<std::string>& argv, const std::filesystem::path& folder);
  ~TerminalProgram();  // kills it where it still runs
  TerminalProgram(const TerminalProgram&) = delete;
  TerminalProgram& operator=(const TerminalProgram&) = delete;

  // Reads until `enough` holds for all that it said. False where it ended before, or a minute went
  // by.
  bool wait_until(const std::function<bool(const std::string& said)>& enough);
  void signal(int number) const;
  int wait();  // reads to the end; the exit status, 128 + n after signal n
  const std::string& said() const { return said_; }

 private:
  bool read_more(int timeout_ms);  // false at the end and when the time is over

  std::string said_;
  int terminal_ = -1;
  pid_t child_ = -1;
};

}  // namespace koi::test
