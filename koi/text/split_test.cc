#include "koi/text/split.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"

namespace koi::text {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(SplitText, cuts_at_the_strongest_mark_that_is_needed) {
  EXPECT_THAT(split_text("One two. Three four.", 10), ElementsAre("One two.", "Three", "four."));
  EXPECT_THAT(split_text("One two. Three four.", 12), ElementsAre("One two.", "Three four."));
  EXPECT_THAT(split_text("One two. Three four.", 100), ElementsAre("One two. Three four."));
}

TEST(SplitText, a_decimal_point_ends_no_sentence) {
  EXPECT_THAT(split_text("It costs 3.50 now. Yes.", 19), ElementsAre("It costs 3.50 now.", "Yes."));
}

TEST(SplitText, a_piece_without_marks_is_cut_behind_whole_characters) {
  EXPECT_THAT(split_text("가나다", 4), ElementsAre("가나", "다"));
  EXPECT_THAT(split_text("가나다", 1), ElementsAre("가", "나", "다"));
}

TEST(SplitText, silence_is_dropped) {
  EXPECT_THAT(split_text("", 10), IsEmpty());
  EXPECT_THAT(split_text(" \n ", 10), IsEmpty());
  EXPECT_THAT(split_text("!? - ,", 10), IsEmpty());
}

TEST(SplitText, refuses_bad_input) {
  EXPECT_THROW(split_text("a", 0), Error);
  EXPECT_THROW(split_text("\xff", 10), Error);
}

TEST(SplitText, long_texts_take_linear_time) {
  EXPECT_EQ(split_text(std::string(500'000, 'a'), 100).size(), 5'000);
  EXPECT_EQ(split_text(std::string(500'000, '1'), 100).size(), 5'000);
}

}  // namespace
}  // namespace koi::text
