// Damaged shards against the reference's reader (fish-speech v1.4.3, protobuf 7.36).
#include <gtest/gtest.h>

#include <cstring>

#include "koi/base/error.h"
#include "koi/base/files.h"
#include "koi/dataset/shard.h"
#include "tests/support/goldens.h"

namespace koi::dataset {
namespace {

using nlohmann::json;

// Whether every length in the file is that of bytes which are there.
bool lengths_fit(const std::string& bytes) {
  size_t at = 0;
  while (at < bytes.size()) {
    uint32_t size = 0;
    if (bytes.size() - at < sizeof(size)) return false;
    std::memcpy(&size, bytes.data() + at, sizeof(size));
    at += sizeof(size);
    if (bytes.size() - at < size) return false;
    at += size;
  }
  return true;
}

void expect_record(const json& expected, const TextData& record) {
  EXPECT_EQ(record.name, expected.at("name"));
  EXPECT_EQ(record.source, expected.at("source"));
  ASSERT_EQ(record.sentences.size(), expected.at("sentences"));
  for (size_t i = 0; i < record.sentences.size(); ++i) {
    // One number a sentence: the frames of its first codebook.
    EXPECT_EQ(json(record.sentences[i].codes.at(0).size()), expected.at("frames").at(i).at(0));
  }
}

TEST(ShardParity, DamagedStreams) {
  KOI_REQUIRE_GOLDEN("data/protos/streams.json");
  const json streams = test::read_json(test::golden("data/protos/streams.json"));
  ASSERT_FALSE(streams.empty());
  for (const auto& [name, expected] : streams.items()) {
    SCOPED_TRACE(name);
    const auto path = test::golden("data/protos/streams/" + name + ".protos");
    // Differs: a record cut between two fields is an error, the reference takes what is left of it.
    const bool sound = !expected.contains("error") && lengths_fit(base::read_file(path));
    ShardReader reader(path);
    size_t records = 0;
    try {
      while (auto record = reader.next())
        expect_record(expected.at("records").at(records++), *record);
      EXPECT_TRUE(sound) << "the damage was not seen";
      EXPECT_EQ(records, expected["records"].size());
    } catch (const Error& error) {
      EXPECT_FALSE(sound) << error.what();
      EXPECT_EQ(error.kind(), ErrorKind::corrupt);
    }
  }
}

}  // namespace
}  // namespace koi::dataset
