// What AtomicFile and AtomicFolder leave behind where their process was killed.
#pragma once

#include "koi/base/files.h"

namespace koi::base {

// AtomicFile's temporary files are called this, the process's number and a count; AtomicFolder's
// folders this and six letters.
inline constexpr std::string_view kTemporaryPrefix = ".koi-tmp-";

// Locks a new temporary file or folder, open under `descriptor`, for as long as it is worked on: so
// all who share the folder around it, other machines too, see that it is no leftover. False where
// it was taken for one in the moment before. Some file systems know no locks; nothing of theirs is
// taken for one.
bool claim(int descriptor);

// Removes AtomicFile's temporary files in `folder` (not below it) that nobody writes any more.
// Those of living processes stay, on whatever machine they run, where the file system shares its
// locks (flock); where it knows none, all stay. A folder that is not there has none.
void remove_leftovers(const fs::path& folder);

// In all folders below `folder` too; links are not followed, what cannot be read is passed over.
void remove_leftovers_below(const fs::path& folder);

}  // namespace koi::base
