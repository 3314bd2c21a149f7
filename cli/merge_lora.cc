#include "cli/commands.h"

namespace koi::cli {

void add_merge_lora(CLI::App&) {}

}  // namespace koi::cli
