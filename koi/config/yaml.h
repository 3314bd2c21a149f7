// YAML as OmegaConf reads and writes it: YAML 1.1 scalars (yes and on are true, 1e-4 is a float,
// 1_000 an integer), maps in their order, block style with plain strings where they are safe.
#pragma once

#include <string>
#include <string_view>

#include "koi/config/node.h"

namespace koi::config {

// One document. An empty one is an empty map. Throws Error(config) naming `where` and the line for
// broken YAML, doubled keys, keys that are no scalars, and trees of over a million values.
Node parse_yaml(std::string_view text, std::string_view where);

// Ends with a line feed.
std::string dump_yaml(const Node& node);

}  // namespace koi::config
