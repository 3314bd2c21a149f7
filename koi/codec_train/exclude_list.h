// A list of recordings that are never used: a name a line, up to a tab.
#pragma once

#include <map>
#include <string>

#include "koi/base/files.h"

namespace koi::codec_train {

class ExcludeList {
 public:
  // Names may be absolute, or relative to where koi runs, for recordings in `folder`. Throws
  // Error(corrupt) for what is no text, Error(not_found, io).
  ExcludeList(const base::fs::path& file, const base::fs::path& folder);

  // Whether a recording is named, by its path below the folder, with or without the ending, or by
  // its file's name alone; in whichever Unicode normal form.
  bool names(const base::fs::path& recording);

  // For people: how many were named, and what was in the list and named none.
  std::string describe() const;

 private:
  struct Line {
    std::string text;
    bool used = false;
  };
  base::fs::path file_;
  size_t recordings_ = 0;
  std::vector<Line> lines_;
  std::map<std::string, size_t> line_of_;
};

}  // namespace koi::codec_train
