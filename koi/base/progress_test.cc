#include "koi/base/progress.h"

#include <gtest/gtest.h>

namespace koi::base {
namespace {

TEST(FormatDuration, rounds_to_whole_seconds) {
  EXPECT_EQ(format_duration(0), "0:00");
  EXPECT_EQ(format_duration(59.4), "0:59");
  EXPECT_EQ(format_duration(59.5), "1:00");
  EXPECT_EQ(format_duration(123), "2:03");
  EXPECT_EQ(format_duration(3723), "1:02:03");
  EXPECT_EQ(format_duration(360'000), "100:00:00");
}

// Not on a terminal there is a line every ten seconds: short work prints only its own lines.
TEST(Progress, short_work_off_a_terminal_prints_only_its_own_lines) {
  testing::internal::CaptureStderr();
  {
    Progress progress("extract-vq", "files", 3);
    progress.advance(1, "loss 1.0");
    progress.print_line("a.wav: too short");
    progress.advance(2);
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "a.wav: too short\n");
}

}  // namespace
}  // namespace koi::base
