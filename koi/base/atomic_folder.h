// A folder that appears whole or not at all, as AtomicFile does for a file.
#pragma once

#include "koi/base/files.h"

namespace koi::base {

class AtomicFolder {
 public:
  enum class Existing { refuse, replace };

  // Makes an empty temporary folder beside `path` (whose parents are made), and removes those that
  // killed processes left there. `path` may be missing or an empty folder; anything else there is
  // replaced by commit() or an Error(io) at once. Throws Error(io) with the system's reason.
  explicit AtomicFolder(const fs::path& path, Existing existing = Existing::refuse);
  // Without commit() nothing is left behind and `path` is as it was.
  ~AtomicFolder();
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;

  const fs::path& temporary_path() const { return temporary_; }
  void commit();

 private:
  fs::path path_;
  fs::path temporary_;
  int lock_ = -1;  // on the temporary folder: somebody is at work in it
  Existing existing_;
};

}  // namespace koi::base
