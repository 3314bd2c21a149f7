#include "koi/align/phrases.h"

#include <gmock/gmock.h>

#include "koi/align/spoken_units.h"
#include "koi/base/error.h"

namespace koi::align {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// The phrases, each with a sign for its end: "," a comma, "." a sentence, "|" a line.
std::vector<std::string> cut(const std::string& text) {
  std::vector<std::string> found;
  for (const Phrase& phrase : split_phrases(text)) {
    EXPECT_GT(phrase.units, 0) << phrase.text;
    found.push_back(phrase.text + " " + ",.|"[static_cast<size_t>(phrase.ending)]);
  }
  return found;
}

TEST(Phrases, SentencesCommasAndLines) {
  EXPECT_THAT(cut("One, two. Three!\nFour"), ElementsAre("One, ,", "two. .", "Three! |", "Four |"));
  EXPECT_THAT(cut("\"Who?\" \"I.\" (He.) Yes…"),
              ElementsAre("\"Who?\" .", "\"I.\" .", "(He.) .", "Yes… |"));
  EXPECT_THAT(cut("안녕하세요. 반갑습니다, 여러분!"),
              ElementsAre("안녕하세요. .", "반갑습니다, ,", "여러분! |"));
  EXPECT_THAT(cut("你好，世界。「好！」さようなら。"),
              ElementsAre("你好， ,", "世界。 .", "「好！」 .", "さようなら。 |"));
  EXPECT_THAT(cut("Да — он тут; так."), ElementsAre("Да — ,", "он тут; ,", "так. |"));
}

TEST(Phrases, WhatEndsNoSentence) {
  EXPECT_THAT(cut("Dr. Lee has 3.5 of J. S. Bach at koi.org."),
              ElementsAre("Dr. Lee has 3.5 of J. S. Bach at koi.org. |"));
  EXPECT_THAT(cut("It is approx. ten, 1,000 at 12:30, well-known."),
              ElementsAre("It is approx. ten, ,", "1,000 at 12:30, ,", "well-known. |"));
  EXPECT_THAT(cut("Well... then \"No!\" he said."),
              ElementsAre("Well... ,", "then \"No!\" ,", "he said. |"));
  EXPECT_THAT(cut("It was Dr. No."), ElementsAre("It was Dr. No. |"));
  // A syllable that stands alone is a word.
  EXPECT_THAT(cut("네. 그래요."), ElementsAre("네. .", "그래요. |"));
}

TEST(Phrases, WhatHasNothingToSay) {
  EXPECT_THAT(cut("... letters of -- it. * * *\n***\n!"),
              ElementsAre("... letters of -- it. * * * |"));
  EXPECT_THAT(cut(""), IsEmpty());
  EXPECT_THAT(cut(" \n?!\n"), IsEmpty());
  EXPECT_THAT(cut("<i>So</i> [laughs] &amp; on"), ElementsAre("So & on |"));
}

TEST(Phrases, WrappedLinesAreOne) {
  EXPECT_THAT(
      cut("It was the best\nof times, it\nwas the worst.\n\nThe end\nis here."),
      ElementsAre("It was the best of times, ,", "it was the worst. |", "The end is here. |"));
  // Here most lines end a sentence, or nothing tells paragraphs.
  EXPECT_THAT(cut("A one.\nA two.\nthree\n\nFour"),
              ElementsAre("A one. |", "A two. |", "three |", "Four |"));
  EXPECT_THAT(cut("press one\npress two"), ElementsAre("press one |", "press two |"));
}

TEST(Phrases, JoinedTheyAreTheTextAgain) {
  for (const std::string text :
       {"One, two. Three! \"Four?\" Five", "你好，世界。Hello, 世界！はい"}) {
    const auto phrases = split_phrases(text);
    EXPECT_GT(phrases.size(), 2U);
    EXPECT_EQ(join_phrases(phrases, 0, phrases.size()), text);
  }
  EXPECT_THROW(split_phrases("\xFF"), Error);
}

TEST(SpokenUnits, CountWhatIsSaid) {
  EXPECT_DOUBLE_EQ(spoken_units("team"), 2);  // one vowel in two letters
  EXPECT_DOUBLE_EQ(spoken_units("e\u0301te\u0301"), spoken_units("été"));
  EXPECT_DOUBLE_EQ(spoken_units("мама"), 3);
  EXPECT_DOUBLE_EQ(spoken_units("the PBX"), 2 + 6);
  EXPECT_DOUBLE_EQ(spoken_units("THE END"), spoken_units("the end"));
  EXPECT_DOUBLE_EQ(spoken_units("아"), 1);  // its first letter is silent
  EXPECT_DOUBLE_EQ(spoken_units("한"), 2);
  EXPECT_DOUBLE_EQ(spoken_units("世界"), 4.4);
  EXPECT_DOUBLE_EQ(spoken_units("日本の"), 7.5);
  EXPECT_DOUBLE_EQ(spoken_units("press 21"), spoken_units("press twenty-one"));
  EXPECT_DOUBLE_EQ(spoken_units("21"), 8);
  EXPECT_EQ(spoken_units("...?! -"), 0);
  EXPECT_GT(spoken_units("नमस्ते"), 1);
}

}  // namespace
}  // namespace koi::align
