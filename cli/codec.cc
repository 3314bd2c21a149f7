#include "cli/commands.h"

namespace koi::cli {

void add_codec(CLI::App&) {}

}  // namespace koi::cli
