// The commands that need libtorch live in koi-torch; koi hands them over.
#pragma once

#include <CLI/CLI.hpp>

namespace koi::cli {

// Is argv[1] a command of koi-torch? Then this process becomes koi-torch (never returns).
void exec_heavy(int argc, char** argv);

// Lists the heavy commands in koi's own help.
std::string heavy_help();

}  // namespace koi::cli
