// A folder's files with what lies among them and is none, so that nothing is lost in silence.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "koi/base/files.h"

namespace koi::base {

struct OddEntry {
  enum class Kind {
    no_file,        // `accept` takes its name, but it is a pipe, a socket, a link to nowhere ...
    folder,         // `accept` takes its name, but it is a folder
    folder_link,    // a link to a folder, which is not entered
    closed_folder,  // cannot be read
  };
  Kind kind;
  fs::path path;
  std::string what;  // "is a pipe, a file was expected"
};

struct Listing {
  std::vector<fs::path> files;
  std::vector<OddEntry> odd;
};

// As list_files(), whose order both lists have, but goes on where a folder below `folder` cannot be
// read. A folder that `accept` takes the name of is entered all the same.
Listing list_entries(const fs::path& folder, const std::function<bool(const fs::path&)>& accept,
                     bool recursive = true);

// A file by a path as it stands (from the working folder), or else from the first of `folders` that
// has such a file; empty where there is none.
fs::path find_file(const fs::path& path, const std::vector<fs::path>& folders);

}  // namespace koi::base
