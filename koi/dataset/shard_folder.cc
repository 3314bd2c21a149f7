#include "koi/dataset/shard_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "koi/base/error.h"

namespace koi::dataset {
namespace {

namespace fs = base::fs;

std::string number_of(size_t shard) { return fmt::format("{:08d}", shard); }

}  // namespace

ShardFolder::ShardFolder(fs::path output, uint64_t shard_bytes)
    : output_(std::move(output)), shard_bytes_(shard_bytes) {
  std::error_code ignored;
  made_output_ = !fs::exists(output_, ignored);
  base::make_folder(output_);
  std::string name = (output_ / ".koi-tmp-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw Error(ErrorKind::io, output_.string(),
                std::string("cannot be written to: ") + std::strerror(errno));
  }
  collected_ = name;
}

ShardFolder::~ShardFolder() {
  shard_.reset();
  std::error_code ignored;
  fs::remove_all(collected_, ignored);
  if (made_output_) fs::remove(output_, ignored);  // only if it is empty
}

void ShardFolder::add(std::string_view record) {
  if (!shard_) shard_ = std::make_unique<base::AtomicFile>(collected_ / number_of(finished_));
  shard_->write(record);
  if (shard_->position() > shard_bytes_) finish_shard();
}

void ShardFolder::finish_shard() {
  shard_->commit();
  shard_.reset();
  ++finished_;
}

std::vector<fs::path> ShardFolder::commit(const std::vector<fs::path>& stale) {
  if (shard_) finish_shard();
  const auto require = [](const std::error_code& error, const fs::path& path, const char* doing) {
    if (error) throw Error(ErrorKind::io, path.string(), doing + error.message());
  };
  std::error_code error;
  std::vector<fs::path> shards;
  for (size_t i = 0; i < finished_; ++i) {
    shards.push_back(output_ / (number_of(i) + ".protos"));
    fs::rename(collected_ / number_of(i), shards.back(), error);
    require(error, shards.back(), "cannot be put in place: ");
  }
  for (const fs::path& path : stale) {
    if (std::find(shards.begin(), shards.end(), path) != shards.end()) continue;
    fs::remove(path, error);
    require(error, path, "the old shard cannot be removed: ");
  }
  base::sync_folder(output_);
  return shards;
}

}  // namespace koi::dataset
