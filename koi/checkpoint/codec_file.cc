#include "koi/checkpoint/codec_file.h"

#include <fmt/format.h>

#include "koi/base/error.h"

namespace koi::checkpoint {

base::fs::path find_codec(const base::fs::path& folder) {
  const base::fs::path published = folder / kPublishedCodec;
  if (base::fs::exists(published)) return published;
  const std::vector<base::fs::path> found = base::list_files(
      folder,
      [](const base::fs::path& file) {
        return file.extension() == ".pth" &&
               file.filename().string().find("generator") != std::string::npos;
      },
      /*recursive=*/false);
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    throw Error(ErrorKind::not_found, folder.string(), "no codec in this checkpoint folder",
                fmt::format("put {} into it; koi say takes --codec-path too", kPublishedCodec));
  }
  throw Error(ErrorKind::config, folder.string(),
              fmt::format("{} files could be the codec ({}, {})", found.size(),
                          found[0].filename().string(), found[1].filename().string()),
              "keep one of them there; koi say takes --codec-path too");
}

}  // namespace koi::checkpoint
