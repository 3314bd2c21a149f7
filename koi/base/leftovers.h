// What AtomicFile leaves behind where its process was killed.
#pragma once

#include "koi/base/files.h"

namespace koi::base {

// AtomicFile's temporary files are called this, the process's number and a count.
inline constexpr std::string_view kTemporaryPrefix = ".koi-tmp-";

// Removes AtomicFile's temporary files in `folder` (not below it) that nobody writes any more.
// Those of living processes stay, on whatever machine they run, where the file system shares its
// locks (flock); where it knows none, all stay. A folder that is not there has none.
void remove_leftovers(const fs::path& folder);

// In all folders below `folder` too; links are not followed, what cannot be read is passed over.
void remove_leftovers_below(const fs::path& folder);

}  // namespace koi::base
