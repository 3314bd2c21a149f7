#include "koi/text/clean.h"

#include <gtest/gtest.h>

#include "koi/base/error.h"

namespace koi::text {
namespace {

TEST(CleanText, strips_first_and_so_is_not_idempotent) {
  EXPECT_EQ(clean_text("\u3000a \x1f"), "a");
  EXPECT_EQ(clean_text("[ a ]"), " a ");
  EXPECT_EQ(clean_text(" \n\t"), "");
}

TEST(CleanText, joins_runs_of_dots_after_removing) {
  EXPECT_EQ(clean_text("a.~,b"), "a.b");
  EXPECT_EQ(clean_text("a:…b"), "a,b");
}

TEST(CleanText, keeps_nul_and_controls) {
  EXPECT_EQ(clean_text(std::string("a\0b\x01", 4)), std::string("a\0b\x01", 4));
}

TEST(CleanText, invalid_utf8_is_an_error) {
  EXPECT_THROW(clean_text("a\xff"), Error);
  EXPECT_THROW(clean_transcript("\xe2\x82"), Error);
}

TEST(CleanTranscript, unclosed_brackets_take_linear_time) {
  const std::string open(1'000'000, '{');
  EXPECT_EQ(clean_transcript(open), open);
  EXPECT_EQ(clean_transcript("{{\n{a}"), "{{ ");
}

}  // namespace
}  // namespace koi::text
