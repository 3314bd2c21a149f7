#pragma once

#include <string>

#include "koi/config/node.h"

namespace koi::config {

// The tree as JSON in one line, maps in their order. Infinite and undefined numbers become null,
// bytes that are no UTF-8 U+FFFD.
std::string dump_json(const Node& node);

}  // namespace koi::config
