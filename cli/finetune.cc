#include "cli/commands.h"

namespace koi::cli {

void add_finetune(CLI::App&) {}

}  // namespace koi::cli
