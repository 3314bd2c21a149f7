// Which overrides had no effect.
#pragma once

#include <set>
#include <span>
#include <string>
#include <vector>

#include "koi/config/node.h"

namespace koi::config {

// The overrides whose key nothing read, as they were given. `config` is unresolved: a key counts as
// read, too, where a value that was read names it in ${...}. `asked` comes from a Reader.
std::vector<std::string> unread_overrides(std::span<const std::string> overrides,
                                          const Node& config, const std::set<std::string>& asked);

}  // namespace koi::config
