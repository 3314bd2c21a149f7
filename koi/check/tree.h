// What lies in a folder of recordings, whatever else lies there.
#pragma once

#include <string>
#include <vector>

#include "koi/check/finding.h"

namespace koi::check {

// All paths are relative to the folder, in the order of base::path_parts_less().
struct Tree {
  std::vector<base::fs::path> recordings;  // regular files, by their names
  // odd_entry: what is called like a recording or a transcript and is no regular file, links to
  // folders (not entered), folders that cannot be read; shared_name; orphan_transcript.
  std::vector<Finding> findings;
};

// Never reads a file, enters no link. `text_extensions` as in CheckOptions. Throws Error(not_found)
// where there is no such folder or no recording in it, Error(io) where the folder itself cannot be
// read.
Tree walk_tree(const base::fs::path& folder, const std::vector<std::string>& text_extensions);

}  // namespace koi::check
