#include "cli/step_runner.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>

#include "koi/base/interrupt.h"
#include "koi/base/progress.h"

namespace koi::cli {
namespace {

[[noreturn]] void become_command(const Step& step) {
  std::vector<char*> argv;
  const auto push = [&argv](const std::string& word) {
    argv.push_back(const_cast<char*>(word.c_str()));
  };
  const std::string program = "koi";
  push(program);
  push(step.name);
  for (const std::string& argument : step.arguments) push(argument);
  argv.push_back(nullptr);
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
  ::execv("/proc/self/exe", argv.data());
  ::_exit(127);
}

}  // namespace

StepResult run_step(const Step& step) {
  StepResult result{step.name, 0, 0, step.finished};
  if (step.finished) return result;
  const auto start = std::chrono::steady_clock::now();
  result.status = base::run_child([&step] { become_command(step); });
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

std::string step_table(const std::vector<StepResult>& results) {
  std::string table = fmt::format("{:<16}{:>9}  {}\n", "step", "time", "result");
  for (const StepResult& result : results) {
    const std::string outcome = result.skipped       ? "was there already"
                                : result.status == 0 ? "done"
                                                     : fmt::format("status {}", result.status);
    table += fmt::format("{:<16}{:>8.1f}s  {}\n", result.name, result.seconds, outcome);
  }
  return table;
}

}  // namespace koi::cli
