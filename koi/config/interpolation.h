// ${...} inside configurations, as OmegaConf resolves it: ${a.b}, ${a.b[0]}, relative ${.c} and
// ${..c}, ${oc.env:NAME,default}, ${eval:'1024*2'}, nested; a value that is nothing but one
// interpolation takes the type (and the whole tree) of what it names.
#pragma once

#include <string_view>

#include "koi/config/node.h"

namespace koi::config {

// The tree with all interpolations replaced. Throws Error(config) naming the key for names that are
// not there (with the nearest one), values that must be given ("???") and circles.
Node resolve(const Node& root);

// One value (a text, a list, ...) against `root`; `where` names it in errors.
Node resolve_value(const Node& value, const Node& root, std::string_view where);

}  // namespace koi::config
