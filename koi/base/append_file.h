// Logs that grow line by line: the one exception to "written whole or not at all". What is cut off
// by a crash is the end of the last piece at most.
#pragma once

#include <string_view>

#include "koi/base/files.h"

namespace koi::base {

class AppendFile {
 public:
  // Goes on at the end of the file, which is made where it is missing. Throws Error(io).
  explicit AppendFile(const fs::path& path);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  void append(std::string_view bytes);  // in the file when it returns; throws Error(io)

 private:
  fs::path path_;
  int descriptor_;
};

}  // namespace koi::base
