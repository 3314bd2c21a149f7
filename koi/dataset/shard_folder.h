// The output of the packer: a folder of shards that changes as a whole or not at all, wherever the
// process is killed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "koi/base/files.h"
#include "koi/base/folder_lock.h"

namespace koi::dataset {

class ShardFolder {
 public:
  // Makes `output` where it is missing. Finishes what a killed run had begun to put in place there,
  // removes what one had only collected. Throws Error(io), also where another process packs into
  // the same folder.
  ShardFolder(base::fs::path output, uint64_t shard_bytes);
  ~ShardFolder();  // without commit() the output is as it was before
  ShardFolder(const ShardFolder&) = delete;
  ShardFolder& operator=(const ShardFolder&) = delete;

  // Begins a record in the present shard; what is appended is its message, of which nothing stays
  // in memory. end_record() writes its length in front and returns the record's bytes; the shard
  // ends when it is larger than `shard_bytes` then. Shards are collected in a hidden folder inside
  // the output, under names that no search for shards finds. Throws Error(io), and at the end of
  // the record as record_length() for `speaker`.
  void begin_record();
  void append(std::string_view message);
  uint64_t end_record(const std::string& speaker);

  // Puts the shards in place as 00000000.protos and so on, in the place of the files `stale`. One
  // rename decides: a run that is killed before it leaves the old shards; after it the folder is
  // unsettled (see require_settled) until all of the new ones and none of the old ones are there.
  // Returns the shards.
  std::vector<base::fs::path> commit(const std::vector<base::fs::path>& stale);

 private:
  void finish_shard();
  std::vector<base::fs::path> finish_switch();

  base::fs::path output_;
  bool made_output_ = false;
  base::FolderLock lock_;
  uint64_t shard_bytes_;
  size_t finished_ = 0;
  std::unique_ptr<base::AtomicFile> shard_;
  uint64_t record_begin_ = 0;  // in the shard
};

// Throws Error(io) where a packer was killed while it put its shards into `folder`: only some may
// be there. Packing again finishes it.
void require_settled(const base::fs::path& folder);

}  // namespace koi::dataset
