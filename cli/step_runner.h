// Runs koi's own commands one after the other, as finetune does: each in a process of its own, so
// that memory is given back and a fault of one step cannot harm another.
#pragma once

#include <string>
#include <vector>

namespace koi::cli {

struct Step {
  std::string name;                    // the command
  std::vector<std::string> arguments;  // behind the command's name
  bool finished = false;               // its result is there already: not run again
};

struct StepResult {
  std::string name;
  double seconds = 0;
  int status = 0;
  bool skipped = false;
};

// Runs the step's command with this program (standard output goes to standard error, so that
// finetune's own result stays readable by scripts) and waits for it. Throws Error(io) where no
// process can be started.
StepResult run_step(const Step& step);

// A table of names and times, one step a line.
std::string step_table(const std::vector<StepResult>& results);

}  // namespace koi::cli
