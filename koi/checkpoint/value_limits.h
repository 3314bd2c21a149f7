// Bounds on values that come from a file, so that whoever walks the tree needs none.
#pragma once

#include <string>
#include <unordered_set>

#include "koi/checkpoint/value.h"

namespace koi::checkpoint {

constexpr int kMaxValueDepth = 200;
constexpr uint64_t kMaxValues = 10'000'000;

// Throws Error(unsupported) naming `where` where `root` holds itself, is nested deeper than
// kMaxValueDepth, or has more than kMaxValues values, shared containers counted wherever they
// occur. Gives the identities of all containers in it.
std::unordered_set<const void*> check_value(const Value& root, const std::string& where);

}  // namespace koi::checkpoint
