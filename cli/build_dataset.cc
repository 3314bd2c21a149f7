#include "cli/commands.h"

namespace koi::cli {

void add_build_dataset(CLI::App&) {}

}  // namespace koi::cli
