#include "cli/explain.h"

namespace koi::cli {

std::optional<std::string> explain(const std::exception&) { return std::nullopt; }

}  // namespace koi::cli
