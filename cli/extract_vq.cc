#include "cli/commands.h"

namespace koi::cli {

void add_extract_vq(CLI::App&) {}

}  // namespace koi::cli
