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

TEST(Progress, a_line_that_stays_is_printed_once) {
  testing::internal::CaptureStderr();
  {
    Progress progress("train", "steps", 3);
    progress.advance_as(1, "1/3 loss 5");
    progress.advance_as(1, "2/3 loss 4", Progress::Line::stays);
    progress.advance_as(1, "3/3 loss 3");
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "train 2/3 loss 4\n");
}

TEST(Progress, tells_how_much_was_heard) {
  testing::internal::CaptureStderr();
  {
    Progress progress("extract-vq", "files", 3);
    progress.add_audio(3600);
    progress.add_audio(83);
    progress.advance_as(1, "", Progress::Line::stays);
  }
  EXPECT_NE(testing::internal::GetCapturedStderr().find(", 1:01:23 of audio, "), std::string::npos);
}

TEST(Progress, a_line_is_cut_at_the_terminals_edge) {
  EXPECT_EQ(first_columns("1±2 한국어", 100), "1±2 한국어");
  EXPECT_EQ(first_columns("1±2 한국어", 5), "1±2 한");
  EXPECT_EQ(first_columns("\xff\xff", 1), "\xff");
  EXPECT_EQ(first_columns("x", 0), "");
}

}  // namespace
}  // namespace koi::base
