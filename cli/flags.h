// What all commands share: how a program is run, and flags that come again.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

namespace koi::cli {

// Adds a sub-command; `examples` stands below its help. `run` returns the exit status; an Error it
// throws becomes one line on stderr and status 1 (2 for ErrorKind::usage).
CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& summary,
                      const std::string& examples, std::function<int()> run);

// Parses and runs; the whole of main().
int run_program(CLI::App& app, int argc, char** argv);

// Says in one line on stderr that a signal ended the work: `line` tells what is done and how to go
// on. Returns the exit status. run() may throw base::Interrupted to the same end.
int report_interrupted(const std::string& line);

// "--x/--no-x" switch.
void add_switch(CLI::App* command, const std::string& name, bool& value, const std::string& help);

}  // namespace koi::cli
