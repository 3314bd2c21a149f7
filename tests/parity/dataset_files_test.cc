// Which shards a process reads, against the reference (fish-speech v1.4.3, braceexpand). Lists are
// equal or wrong; there is no tolerance.
#include <gtest/gtest.h>

#include "koi/base/error.h"
#include "koi/base/random.h"
#include "koi/dataset/shard_files.h"
#include "tests/support/goldens.h"
#include "tests/support/temp_dir.h"

namespace koi::dataset {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

TEST(FilesParity, Braces) {
  KOI_REQUIRE_GOLDEN("data/sampling/braceexpand.json");
  const json cases = test::read_json(test::golden("data/sampling/braceexpand.json"));
  ASSERT_FALSE(cases.empty());
  for (const json& pair : cases) {
    const std::string pattern = pair.at(0);
    if (pair.at(1).is_object()) {
      EXPECT_THROW(expand_braces(pattern), Error) << pattern;
    } else {
      EXPECT_EQ(json(expand_braces(pattern)), pair[1]) << pattern;
    }
  }
}

TEST(FilesParity, RankAndWorkerSplit) {
  KOI_REQUIRE_GOLDEN("data/sampling/rank_worker_split.json");
  const json cases = test::read_json(test::golden("data/sampling/rank_worker_split.json"));
  ASSERT_GT(cases.size(), 1U);
  for (size_t i = 1; i < cases.size(); ++i) {  // the first line names the columns
    const json& row = cases[i];
    const auto number = [&](size_t column, int64_t absent) {
      return row.at(column).is_null() ? absent : row[column].get<int64_t>();
    };
    std::vector<fs::path> shards;
    for (int64_t n = 0; n < row.at(0); ++n) shards.push_back(std::to_string(n));
    const ReaderPlace place{number(2, 0), number(1, 1), number(4, 0), number(3, 1)};
    if (row.at(5).is_string()) {
      EXPECT_THROW(share_of(shards, place), Error) << row;
      continue;
    }
    std::vector<int64_t> share;
    for (const fs::path& shard : share_of(shards, place))
      share.push_back(std::stoll(shard.string()));
    EXPECT_EQ(json(share), row[5]) << row;
  }
}

TEST(FilesParity, ProtoFiles) {
  KOI_REQUIRE_GOLDEN("data/sampling/proto_files.json");
  const json cases = test::read_json(test::golden("data/sampling/proto_files.json"));
  ASSERT_FALSE(cases.empty());
  const test::TempDir folder;  // paths in the cases are relative to the working folder
  fs::copy(fs::absolute(test::golden("data/sampling/protos")), folder / "protos",
           fs::copy_options::recursive);
  fs::create_directory(folder / "void");
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  for (const json& expected : cases) {
    SCOPED_TRACE(expected.at("proto_files").dump());
    const uint64_t seed = expected.at("seed");
    const auto read = [&] {
      std::vector<fs::path> shards = find_shards(expected["proto_files"]);
      base::PythonRandom(seed).shuffle(shards);
      std::vector<std::string> names;
      for (const fs::path& shard : shards) names.push_back(shard.string());
      EXPECT_EQ(json(names), expected.at("shuffled_files"));
      json groups = json::array();
      for (const TextData& group : read_groups(share_of(shards, {}), seed))
        groups.push_back({group.source, group.name, group.sentences.size()});
      return groups;
    };
    if (expected.contains("error")) {
      EXPECT_THROW(read(), Error);
    } else {
      EXPECT_EQ(read(), expected.at("groups"));
    }
  }
  fs::current_path(before);
}

}  // namespace
}  // namespace koi::dataset
