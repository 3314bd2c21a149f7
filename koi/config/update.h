// Overrides carried out on a tree.
#pragma once

#include "koi/config/node.h"
#include "koi/config/override.h"

namespace koi::config {

// Maps merge into maps, everything else replaces. Throws Error(config): `change` of a key that is
// not there (with the nearest one), `add` of a plain value that is there, an index outside of its
// list, `remove` of a key that is not there or has another value.
void apply_override(Node& root, const Override& override);

}  // namespace koi::config
