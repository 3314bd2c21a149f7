#include "cli/commands.h"

namespace koi::cli {

void add_loudness_norm(CLI::App&) {}

}  // namespace koi::cli
