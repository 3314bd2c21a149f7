#include "koi/dataset/shard.h"

#include <gtest/gtest.h>

#include "koi/base/error.h"
#include "tests/support/temp_dir.h"

namespace koi::dataset {
namespace {

const TextData kRecord{
    "folder",
    "홍길동",
    {{{"a", "b"}, {{1, 2, 4294967295}, {0, 0, 300}}, {0, 1, 1}, {{{5, 6}}, {{7}}}}, {{}, {}}}};

TEST(Shard, RecordsComeBack) {
  const test::TempDir folder;
  base::write_file(folder / "x.protos", record_bytes(kRecord) + record_bytes({}));
  ShardReader reader(folder / "x.protos");
  EXPECT_EQ(reader.next(), kRecord);
  EXPECT_EQ(reader.next(), TextData{});
  EXPECT_EQ(reader.next(), std::nullopt);
}

TEST(Shard, BytesOfARecord) {
  const TextData record{"f", "n", {{{"t"}, {{1, 300}, {}}}}};
  EXPECT_EQ(record_bytes(record),
            std::string("\x14\x00\x00\x00"              // 20 bytes follow
                        "\x0a\x01"                      // 1: source
                        "f\x12\x01n\x22\x0c"            // 2: name, 4: a sentence
                        "\x0a\x01t"                     // 1: a text
                        "\x1a\x05\x0a\x03\x01\xac\x02"  // 3: packed values
                        "\x1a\x00",                     // 3: no values
                        24));
}

// A field that the reference's readers skip: 15, packed.
TEST(Shard, BytesOfAnAlignment) {
  const TextData record{"", "", {{{}, {}, {0, 300}}}};
  EXPECT_EQ(record_bytes(record), std::string("\x07\x00\x00\x00\x22\x05\x7a\x03\x00\xac\x02", 11));
}

TEST(Shard, NamesThatAreNoUtf8AreRefused) {
  EXPECT_THROW(record_bytes({"folder", "caf\xE9", {}}), Error);
  EXPECT_THROW(record_bytes({"folder", "a", {{{"caf\xE9"}, {}}}}), Error);
}

// Every file that is cut anywhere but between records is an error, and nothing else happens.
TEST(Shard, EveryCutIsSeen) {
  const test::TempDir folder;
  const std::string record = record_bytes(kRecord);
  for (size_t size = 1; size < record.size(); ++size) {
    base::write_file(folder / "cut.protos", record.substr(0, size));
    ShardReader reader(folder / "cut.protos");
    EXPECT_THROW(reader.next(), Error) << size;
  }
}

TEST(Shard, AnyByteMayBeWrong) {
  const test::TempDir folder;
  const std::string record = record_bytes(kRecord);
  for (size_t at = 0; at < record.size(); ++at) {
    for (const char byte : {'\x00', '\x7f', '\xff'}) {
      std::string damaged = record;
      damaged[at] = byte;
      base::write_file(folder / "damaged.protos", damaged);
      ShardReader reader(folder / "damaged.protos");
      try {
        while (const auto read = reader.next()) EXPECT_LE(read->sentences.size(), record.size());
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::corrupt);
      }
    }
  }
}

TEST(Shard, MissingFile) { EXPECT_THROW(ShardReader("/nowhere/x.protos"), Error); }

}  // namespace
}  // namespace koi::dataset
