#include "cli/commands.h"

namespace koi::cli {

void add_generate(CLI::App&) {}

}  // namespace koi::cli
