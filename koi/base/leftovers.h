// What AtomicFile leaves behind where its process was killed.
#pragma once

#include "koi/base/files.h"

namespace koi::base {

// AtomicFile's temporary files are called this, the process's number and a count.
inline constexpr std::string_view kTemporaryPrefix = ".koi-tmp-";

// Removes AtomicFile's temporary files in `folder` (not below it) whose process is no more. Only
// for folders that no other machine writes to: its processes are not seen. A folder that is not
// there has none.
void remove_leftovers(const fs::path& folder);

}  // namespace koi::base
