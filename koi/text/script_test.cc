#include "koi/text/script.h"

#include <gtest/gtest.h>

namespace koi::text {
namespace {

TEST(Script, ThatOfMostLetters) {
  EXPECT_EQ(script_of("Où êtes-vous?"), Script::latin);
  EXPECT_EQ(script_of("Пожалуйста"), Script::cyrillic);
  EXPECT_EQ(script_of("안녕, Alice"), Script::latin);
  EXPECT_EQ(script_of("안녕하세요, Bob"), Script::hangul);
  EXPECT_EQ(script_of("\u1112\u1161\u11AB"), Script::hangul);  // decomposed
  EXPECT_EQ(script_of("καλημέρα"), Script::greek);
  EXPECT_EQ(script_of("你好"), Script::han);
  EXPECT_EQ(script_of("東京特許許可局へ"), Script::kana);  // one Kana decides
  EXPECT_EQ(script_of("ＡＢＣ"), Script::latin);
  EXPECT_EQ(script_of("สวัสดี"), Script::thai);
  EXPECT_EQ(script_of("ბ"), Script::other);
  EXPECT_EQ(script_of("12, 3!? _ ² \U0001F600"), Script::none);
  EXPECT_EQ(script_of("\u1EBF \u1EC1"), Script::latin);
  EXPECT_EQ(script_of("e\u0302\u0301 e\u0302\u0300"), Script::latin);  // the same, decomposed
  EXPECT_EQ(script_of("\u2764\uFE0F"), Script::none);                  // a heart of emoji style
  EXPECT_EQ(script_of(""), Script::none);
}

TEST(Script, NamesAndLanguages) {
  EXPECT_EQ(name_of(Script::none), "none");
  EXPECT_EQ(name_of(Script::hangul), "Hangul");
  EXPECT_EQ(name_of(Script::other), "other");
  EXPECT_EQ(language_of(Script::hangul), "ko");
  EXPECT_EQ(language_of(Script::kana), "ja");
  EXPECT_EQ(language_of(Script::han), "zh");
  EXPECT_EQ(language_of(Script::latin), "");
}

}  // namespace
}  // namespace koi::text
