// Bounds of settings.
#pragma once

#include <cstdint>
#include <string>

#include "koi/base/error.h"

namespace koi::dataset {

// Throws Error(config) naming the setting where `value` is less than `least`.
inline void at_least(const char* name, int64_t value, int64_t least) {
  if (value >= least) return;
  throw Error(ErrorKind::config, name,
              "is " + std::to_string(value) + ", at least " + std::to_string(least) + " is needed");
}

}  // namespace koi::dataset
