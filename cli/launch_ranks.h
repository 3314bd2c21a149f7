// Several processes of one run on this machine, for trainer.devices=N.
#pragma once

#include <string>
#include <vector>

namespace koi::cli {

// Starts this program `count` times with the arguments `argv` (its name first) as the ranks of one
// run, which they read from the environment that torchrun sets (base::read_launch), and waits for
// them. SIGINT and SIGTERM reach every rank once. When one fails, the others get five
// seconds to notice it themselves and are killed then; they end too when this process is killed.
// The exit status of the first that failed (128 + n after signal n), else 0. Throws Error(io) where
// no process can be started.
int launch_ranks(int count, const std::vector<std::string>& argv);

// The arguments that this process was started with, its name first.
std::vector<std::string> own_arguments();

}  // namespace koi::cli
