#include "koi/dataset/speech_rate.h"

#include <gmock/gmock.h>

namespace koi::dataset {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(SpeechRate, LettersOfAllScripts) {
  EXPECT_EQ(spoken_letters(""), 0);
  EXPECT_EQ(spoken_letters("Good day, 12!"), 9);
  EXPECT_EQ(spoken_letters("안녕 하세요."), 5 * 2.5);
  EXPECT_EQ(spoken_letters("你好。"), 2 * 3);
  EXPECT_EQ(spoken_letters("カタカナ、ひらがな"), 8 * 2);
  EXPECT_EQ(spoken_letters("über"), 4);
}

TEST(SpeechRate, UnlikeTheSpeakersOwn) {
  // 12 letters in a second each.
  std::vector<SpokenText> texts(12, {"abcdefghijkl", 1});
  EXPECT_THAT(odd_rates(texts), IsEmpty());
  texts[3].duration_s = 3.1;                   // too slow by a hair
  texts[5] = {"abcdefghijklabcdefghijkl", 1};  // twice as fast
  texts[7] = {"a", 0.4};                       // too short to tell
  texts[9] = {"안녕하세요", 1};                // as many letters in Hangul
  EXPECT_THAT(odd_rates(texts), ElementsAre(3));
  texts[5] = {"abcdefghijklabcdefghijklabcdefghijkl", 0.92};  // 39 a second: as fast as can be
  EXPECT_THAT(odd_rates(texts), ElementsAre(3));
  texts[5].duration_s = 0.88;
  EXPECT_THAT(odd_rates(texts), ElementsAre(3, 5));
}

TEST(SpeechRate, FewTextsHaveNoMedian) {
  const std::vector<SpokenText> texts{{"abc", 1}, {"abcdefghijklmnop", 1}, {"abc", 0}};
  EXPECT_THAT(odd_rates(texts), ElementsAre(2));
}

}  // namespace
}  // namespace koi::dataset
