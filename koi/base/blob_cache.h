// Results that take a while and come again, kept in files between runs of the program: nothing is
// lost where they are not there.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "koi/base/files.h"

namespace koi::base {

class BlobCache {
 public:
  // `most_bytes` in all: beyond it what was not used for longest is removed.
  explicit BlobCache(fs::path folder, uint64_t most_bytes = uint64_t{1} << 30);

  // $XDG_CACHE_HOME/koi/NAME or ~/.cache/koi/NAME; nothing where neither variable is set.
  static std::optional<fs::path> user_folder(std::string_view name);

  // What was kept under `key`, any bytes that name all that the result depends on. Nothing where it
  // was not kept, cannot be read or is damaged.
  std::optional<std::string> load(std::string_view key) const;

  // The folder is made where it is missing. Where it cannot be written to (a full disk, a home
  // that may only be read) nothing is kept, and nothing is said: the result is there all the same.
  void keep(std::string_view key, std::string_view bytes) const;

 private:
  fs::path file_of(std::string_view key) const;
  void remove_oldest() const;

  fs::path folder_;
  uint64_t most_bytes_;
};

}  // namespace koi::base
