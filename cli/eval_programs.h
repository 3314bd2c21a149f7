// --recognizer and --speaker of koi eval.
#pragma once

#include <string>

#include "koi/eval/program.h"

namespace koi::cli {

// NAME=COMMAND, or the name of a program that scripts/setup --eval puts into $KOI_EVAL (by default
// ~/.cache/koi/eval-1): whisper, sphinx, resemblyzer. `flag` names the option in errors. Throws
// Error(usage) where name or command is empty, Error(not_found) where there is no such program.
eval::Program parse_program(const std::string& flag, const std::string& text);

}  // namespace koi::cli
