#include "cli/commands.h"

namespace koi::cli {

void add_inspect(CLI::App&) {}

}  // namespace koi::cli
