#include "koi/dataset/transcript.h"

#include <gtest/gtest.h>

#include <string>

#include "koi/base/error.h"
#include "tests/support/temp_dir.h"

namespace koi::dataset {
namespace {

std::string read_as(const std::string& bytes, TextRules rules = TextRules::repaired) {
  const test::TempDir folder;
  base::write_file(folder / "x.lab", bytes);
  return read_transcript(folder / "x.lab", rules);
}

std::string utf16(const std::u16string& text, bool big) {
  std::string bytes;
  for (const char16_t unit : text) {
    const char high = static_cast<char>(unit >> 8), low = static_cast<char>(unit & 0xff);
    bytes += big ? std::string{high, low} : std::string{low, high};
  }
  return bytes;
}

TEST(Transcript, EndsAreStripped) {
  EXPECT_EQ(read_as(" \n two  words\r\n"), "two words");
  EXPECT_EQ(read_as(" \n two  words\r\n", TextRules::reference), " two words ");
}

TEST(Transcript, MarkOfUtf8IsRemoved) {
  EXPECT_EQ(read_as("\xEF\xBB\xBFhello"), "hello");
  EXPECT_EQ(read_as("\xEF\xBB\xBFhello", TextRules::reference), "\xEF\xBB\xBFhello");
}

TEST(Transcript, Utf16) {
  const std::u16string text = u"안녕 \xD83D\xDC1F x";
  for (const bool big : {false, true}) {
    EXPECT_EQ(read_as(utf16(u"\xFEFF" + text, big)), "안녕 🐟 x");
    EXPECT_EQ(read_as(utf16(u"plain", big)), "plain");  // known by its NULs
    EXPECT_THROW(read_as(utf16(u"\xFEFF" + text, big), TextRules::reference), Error);
    EXPECT_THROW(read_as(utf16(u"\xFEFFx\xD83D", big)), Error);
    EXPECT_THROW(read_as(utf16(u"\xFEFF\xDC1Fx", big)), Error);
    EXPECT_THROW(read_as(utf16(u"\xFEFFxy", big) + "z"), Error);
  }
}

TEST(Transcript, CarriageReturnsAreNewlines) {
  EXPECT_EQ(decode_text("a\r\nb\rc\n\r", "x", TextRules::repaired), "a\nb\nc\n\n");
}

TEST(Transcript, WhatIsNoTextIsRefused) {
  EXPECT_THROW(read_as(""), Error);
  EXPECT_THROW(read_as("{laugh} <br>\n"), Error);
  EXPECT_EQ(read_as("", TextRules::reference), "");
  EXPECT_THROW(read_as("caf\xE9"), Error);
  EXPECT_THROW(read_as(std::string("a\0b\0\0c", 6)), Error);
  EXPECT_THROW(read_as(std::string((1 << 20) + 1, 'x')), Error);
  EXPECT_THROW(read_transcript("/nowhere/x.lab", TextRules::repaired), Error);
}

}  // namespace
}  // namespace koi::dataset
