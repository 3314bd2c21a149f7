#include "koi/base/error.h"

#include <gtest/gtest.h>

namespace koi {
namespace {

TEST(Error, is_one_line_of_where_what_and_remedy) {
  const Error full(ErrorKind::corrupt, "a.pth", "ends early", "copy it again");
  EXPECT_STREQ(full.what(), "a.pth: ends early; copy it again");
  EXPECT_EQ(full.kind(), ErrorKind::corrupt);
  EXPECT_STREQ(Error(ErrorKind::io, "", "disk full").what(), "disk full");
  EXPECT_STREQ(Error(ErrorKind::io, "x\ny", "a\tb\r").what(), "x\\ny: a\\tb\\x0d");
}

TEST(Printable, shows_what_a_terminal_would_act_on) {
  EXPECT_EQ(printable("녹음 é.wav"), "녹음 é.wav");
  EXPECT_EQ(printable("\x1b[2J\x7f"), "\\x1b[2J\\x7f");
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(printable("\xc2\x9b"
                      "1m\xc2\xa0"),
            "\\xc2\\x9b1m\xc2\xa0");
  EXPECT_EQ(printable("\xff\xc3"), "\\xff\\xc3");
}

}  // namespace
}  // namespace koi
