#include "koi/base/bytes.h"

#include <gmock/gmock.h>

namespace koi::base {
namespace {

TEST(ByteReader, reads_little_endian_numbers_in_turn) {
  std::string bytes;
  append_bytes<uint16_t>(bytes, 0x0102);
  append_bytes<int32_t>(bytes, -2);
  append_bytes<float>(bytes, 1.5F);
  EXPECT_EQ(bytes.substr(0, 6), "\x02\x01\xfe\xff\xff\xff");
  ByteReader reader(bytes, "test");
  EXPECT_EQ(reader.read<uint16_t>(), 0x0102);
  EXPECT_EQ(reader.read<int32_t>(), -2);
  EXPECT_EQ(reader.read<float>(), 1.5F);
  EXPECT_TRUE(reader.at_end());
}

TEST(ByteReader, takes_lines) {
  ByteReader reader("ab\n\ncd", "test");
  EXPECT_EQ(reader.take_until('\n'), "ab");
  EXPECT_EQ(reader.take_until('\n'), "");
  EXPECT_THROW(reader.take_until('\n'), Error);
  EXPECT_EQ(reader.take(2), "cd");
}

TEST(ByteReader, never_passes_the_end) {
  ByteReader reader("abc", "x.bin");
  reader.skip(1);
  EXPECT_THROW(reader.take(SIZE_MAX), Error);
  EXPECT_THROW(reader.read<uint32_t>(), Error);
  EXPECT_THROW(reader.seek(4), Error);
  EXPECT_EQ(reader.position(), 1U);
  reader.seek(3);
  EXPECT_EQ(reader.remaining(), 0U);
  try {
    reader.take(5);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::corrupt);
    EXPECT_STREQ(error.what(), "x.bin: ends early: 5 bytes expected at byte 3, 0 left");
  }
}

}  // namespace
}  // namespace koi::base
