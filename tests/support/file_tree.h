// Whole folders compared.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "koi/base/files.h"

namespace koi::test {

using Files = std::map<std::string, std::string>;  // bytes by path

// All files below `folder`, hidden and temporary ones too; none where there is no such folder.
inline Files files_in(const std::filesystem::path& folder) {
  Files files;
  if (!std::filesystem::exists(folder)) return files;
  for (const auto& path :
       base::list_files(folder, [](const std::filesystem::path&) { return true; }))
    files[path.lexically_relative(folder)] = base::read_file(path);
  return files;
}

}  // namespace koi::test
