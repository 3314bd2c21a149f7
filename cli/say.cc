#include "cli/commands.h"

namespace koi::cli {

void add_say(CLI::App&) {}

}  // namespace koi::cli
