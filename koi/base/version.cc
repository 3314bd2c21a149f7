#include "koi/base/version.h"

namespace koi::base {

std::string_view version() { return KOI_VERSION; }

}  // namespace koi::base
