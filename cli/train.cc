#include "cli/commands.h"

namespace koi::cli {

void add_train(CLI::App&) {}

}  // namespace koi::cli
