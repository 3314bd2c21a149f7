#include "koi/dataset/shard_files.h"

#include <algorithm>

#include "koi/base/error.h"
#include "koi/base/random.h"
#include "koi/dataset/shard_folder.h"

namespace koi::dataset {

namespace fs = base::fs;

std::vector<fs::path> find_shards(const std::vector<std::string>& patterns) {
  std::vector<fs::path> shards;
  for (const std::string& pattern : patterns) {
    for (const fs::path path : expand_braces(pattern)) {
      std::error_code ignored;
      if (!fs::exists(path, ignored)) {
        throw Error(ErrorKind::not_found, path.string(), "no such shard or folder of shards",
                    "make it with koi build-dataset");
      }
      if (!fs::is_directory(path, ignored)) {
        require_settled(path.parent_path());
        shards.push_back(path);
        continue;
      }
      require_settled(path);
      const std::vector<fs::path> found = base::list_files(path, [](const fs::path& file) {
        return file.extension() == ".proto" || file.extension() == ".protos";
      });
      for (const fs::path& shard : found) require_settled(shard.parent_path());
      shards.insert(shards.end(), found.begin(), found.end());
    }
  }
  if (shards.empty()) {
    std::string where;
    for (const std::string& pattern : patterns) where += (where.empty() ? "" : ", ") + pattern;
    throw Error(ErrorKind::not_found, where, "holds no shards (*.protos)",
                "make them with koi build-dataset");
  }
  std::sort(shards.begin(), shards.end(), base::path_parts_less);
  return shards;
}

std::vector<fs::path> share_of(const std::vector<fs::path>& shards, const ReaderPlace& place) {
  if (shards.empty()) throw Error(ErrorKind::not_found, "dataset", "there are no shards to share");
  const auto world_size = static_cast<size_t>(place.world_size);
  const auto num_workers = static_cast<size_t>(place.num_workers);
  const size_t readers = world_size * num_workers;
  const size_t repeats = shards.size() < readers ? readers / shards.size() + 1 : 1;
  // [rank::world_size], and of these [worker::num_workers].
  std::vector<fs::path> share;
  const size_t first =
      static_cast<size_t>(place.rank) + static_cast<size_t>(place.worker) * world_size;
  for (size_t i = first; i < shards.size() * repeats; i += readers)
    share.push_back(shards[i % shards.size()]);
  return share;
}

std::vector<TextData> read_groups(const std::vector<fs::path>& shards, uint64_t seed) {
  std::vector<TextData> groups;
  for (const fs::path& shard : shards) {
    ShardReader reader(shard);
    while (auto record = reader.next()) groups.push_back(std::move(*record));
  }
  base::PythonRandom(seed).shuffle(groups);
  return groups;
}

}  // namespace koi::dataset
