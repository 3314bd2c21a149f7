#include "koi/eval/error_rate.h"

#include <gmock/gmock.h>

#include <cmath>

#include "koi/base/error.h"

namespace koi::eval {
namespace {

using testing::ElementsAre;

TEST(ErrorRate, WordsAreComparedWithoutCaseSignsAndSpelling) {
  EXPECT_THAT(compared_words("...Press 7, please:\tcan’t  WAIT-ing!"),
              ElementsAre(U"press", U"seven", U"please", U"cant", U"wait", U"ing"));
  EXPECT_THAT(compared_words("can't"), ElementsAre(U"cant"));
  // A ligature and a decomposed umlaut.
  EXPECT_THAT(compared_words("\uFB01n u\u0308ber snake_case"),
              ElementsAre(U"fin", U"\u00FCber", U"snake", U"case"));
  EXPECT_THAT(compared_words(" -- ... "), ElementsAre());
  EXPECT_THROW(compared_words("\xFF"), Error);
}

TEST(ErrorRate, ErrorsAreTheFewestEdits) {
  const TextErrors none = count_errors("Press five.", "press 5");
  EXPECT_EQ(none.words, (Errors{0, 2}));
  EXPECT_EQ(none.characters, (Errors{0, 10}));

  // One replaced, one left out, one put in.
  const TextErrors some = count_errors("a cat sat on the mat", "a hat sat the mat now");
  EXPECT_EQ(some.words, (Errors{3, 6}));
  EXPECT_EQ(some.characters, (Errors{1 + 3 + 4, 20}));
  // Joined words cost two of them, but one character.
  EXPECT_EQ(count_errors("mail box", "mailbox").words, (Errors{2, 2}));
  EXPECT_EQ(count_errors("mail box", "mailbox").characters, (Errors{1, 8}));

  EXPECT_EQ(count_errors("one two", "").words, (Errors{2, 2}));
  EXPECT_EQ(count_errors("one two", "").characters, (Errors{7, 7}));
  EXPECT_EQ(count_errors("one", "one two three").words.rate(), 2);
}

TEST(ErrorRate, SpacesDoNotCountWhereTheyAreOnlyHabit) {
  EXPECT_EQ(count_errors("안녕하세요 여러분", "안녕 하세요여러분").characters, (Errors{0, 8}));
  EXPECT_EQ(count_errors("안녕하세요 여러분", "안녕 하세요여러분").words, (Errors{2, 2}));
  // Syllables that are written in letters are the same syllables.
  EXPECT_EQ(count_errors("가나", "\u1100\u1161\u1102\u1161").characters, (Errors{0, 2}));
  EXPECT_EQ(count_errors("今天天气很好。", "今天 天汽很好").characters, (Errors{1, 6}));
  EXPECT_EQ(count_errors("おはよう、世界", "おはよ世界").characters, (Errors{1, 6}));
  EXPECT_EQ(count_errors("사과 3개", "사과 세 개").characters, (Errors{0, 4}));
}

TEST(ErrorRate, OfManyIsOfTheirSum) {
  Errors sum{1, 2};
  sum += {0, 6};
  EXPECT_DOUBLE_EQ(sum.rate(), 0.125);
  EXPECT_EQ(Errors{}.rate(), 0);
  EXPECT_TRUE(std::isinf((Errors{3, 0}.rate())));
}

}  // namespace
}  // namespace koi::eval
