// One process at a time in a folder.
#pragma once

#include "koi/base/files.h"

namespace koi::base {

// An exclusive lock (flock) on a folder; it ends with the object, and with its process however that
// ends.
class FolderLock {
 public:
  FolderLock() = default;
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

  // False where another one holds it. Never waits. Where the file system knows no locks, or the
  // folder cannot be opened, there is none to hold and all have it. Leaves no file, but NFS keeps
  // it from processes of this machine only.
  bool try_lock(const fs::path& folder);
  // The same by a file ".lock" that is made in the folder and stays: processes of other machines
  // see that on NFS too.
  bool try_lock_file(const fs::path& folder);

 private:
  bool try_lock_descriptor();

  int descriptor_ = -1;
};

}  // namespace koi::base
