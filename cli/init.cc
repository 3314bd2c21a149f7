#include "cli/commands.h"

namespace koi::cli {

void add_init(CLI::App&) {}

}  // namespace koi::cli
