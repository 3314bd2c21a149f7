// Which shards a training process reads. Source: the reference's behaviour, measured; cases in
// tests/goldens/data/sampling (braceexpand, proto_files, rank_worker_split).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "koi/base/files.h"
#include "koi/dataset/shard.h"

namespace koi::dataset {

// "{a,b}" and "{1..3}", "{01..10..3}", "{a..e}" spelled out, nested too; "\" keeps the next
// character as it is; "{1}" and "{}" are no pattern. Throws Error(config) for braces that do not
// match, patterns over 4096 bytes, and patterns that give more than 100,000 paths. Source: Python's
// braceexpand.
std::vector<std::string> expand_braces(std::string_view pattern);

// All shards that `patterns` name, braces expanded, in the order of their path parts: a file as it
// is, of a folder all *.proto and *.protos below it. What is named twice comes twice. Throws
// Error(not_found) for a path that is not there, and where there is no shard at all; as
// require_settled() for folders where a packer was killed.
std::vector<base::fs::path> find_shards(const std::vector<std::string>& patterns);

// One reader among all that share a dataset.
struct ReaderPlace {
  int64_t rank = 0;
  int64_t world_size = 1;
  int64_t worker = 0;
  int64_t num_workers = 1;
};

// The shards of one reader. With fewer shards than readers the list is repeated, so that each
// reader has some. Throws Error(not_found) for no shards.
std::vector<base::fs::path> share_of(const std::vector<base::fs::path>& shards,
                                     const ReaderPlace& place);

// All records of the shards, in the order of random.Random(seed).shuffle. Throws as ShardReader.
std::vector<TextData> read_groups(const std::vector<base::fs::path>& shards, uint64_t seed);

}  // namespace koi::dataset
