// The output of the packer: a folder of shards that changes as a whole or not at all.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "koi/base/files.h"

namespace koi::dataset {

class ShardFolder {
 public:
  // The shards are collected in a hidden folder inside `output` (which is made where it is missing)
  // under names that no search for shards finds. Throws Error(io).
  ShardFolder(base::fs::path output, uint64_t shard_bytes);
  ~ShardFolder();  // without commit() the output is as it was before
  ShardFolder(const ShardFolder&) = delete;
  ShardFolder& operator=(const ShardFolder&) = delete;

  // Appends to the present shard, which ends when it is larger than `shard_bytes` then.
  void add(std::string_view record);

  // Puts the shards in place as 00000000.protos and so on (each replaces one of that name at once)
  // and then removes the files `stale` that are none of them. Returns the shards.
  std::vector<base::fs::path> commit(const std::vector<base::fs::path>& stale);

 private:
  void finish_shard();

  base::fs::path output_;
  base::fs::path collected_;
  bool made_output_ = false;
  uint64_t shard_bytes_;
  size_t finished_ = 0;
  std::unique_ptr<base::AtomicFile> shard_;
};

}  // namespace koi::dataset
