// Writes values as a pickle of protocol 2, instruction for instruction as torch.save does.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "koi/checkpoint/value.h"

namespace koi::checkpoint {

struct Pickle {
  std::string bytes;
  std::vector<std::string_view> storages;  // the bytes of storage 0, 1, …, in the values' memory
};

// Containers and storages that are shared in `root` are written once. Throws Error(unsupported)
// naming `where` for values beyond the bounds of value_limits.h.
Pickle write_pickle(const Value& root, const std::string& where);

}  // namespace koi::checkpoint
