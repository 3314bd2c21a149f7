// --normalize, of the commands that take texts.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "koi/text/normalize.h"

namespace koi::cli {

void add_normalize(CLI::App* command, text::NumberReading& reading);

// The flag's word, for a command that hands it on to others: none, zh, ko, en or auto.
void add_normalize(CLI::App* command, std::string& name);

}  // namespace koi::cli
