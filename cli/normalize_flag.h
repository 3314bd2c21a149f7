// --normalize, of the commands that take texts.
#pragma once

#include <CLI/CLI.hpp>

#include "koi/text/normalize.h"

namespace koi::cli {

void add_normalize(CLI::App* command, text::NumberReading& reading);

}  // namespace koi::cli
