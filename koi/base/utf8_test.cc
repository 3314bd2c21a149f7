#include "koi/base/utf8.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"

namespace koi::base {
namespace {

TEST(Utf8, every_code_point_goes_there_and_back) {
  for (char32_t code = 0; code < 0x110000; ++code) {
    std::string text;
    append_utf8(text, code);
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    ASSERT_EQ(utf8_sequence_length(text), surrogate ? 0 : text.size());
    if (surrogate) continue;
    size_t offset = 0;
    ASSERT_EQ(next_code_point(text, offset), code);
    ASSERT_EQ(offset, text.size());
  }
}

TEST(Utf8, ill_formed_sequences_are_none) {
  for (const char* text : {"", "\x80", "\xc0\x80", "\xc1\xbf", "\xc3", "\xe0\x9f\xbf", "\xe2\x82",
                           "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf0\x9f\x98",
                           "\xf5\x80\x80\x80", "\xff", "\xe2\x28\xa1"}) {
    EXPECT_EQ(utf8_sequence_length(text), 0U) << testing::PrintToString(text);
  }
  EXPECT_FALSE(is_valid_utf8("a\xff"));
  EXPECT_TRUE(is_valid_utf8(""));
}

TEST(Utf8, conversion_names_the_first_bad_byte) {
  EXPECT_EQ(to_utf32("a가😀", "t"), U"a가😀");
  EXPECT_EQ(to_utf8(U"a가😀"), "a가😀");
  try {
    to_utf32("가\xff", "x.lab");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::StartsWith("x.lab: invalid UTF-8 at byte 3"));
  }
}

}  // namespace
}  // namespace koi::base
