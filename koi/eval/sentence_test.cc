#include "koi/eval/sentence.h"

#include <gmock/gmock.h>

#include "koi/audio/audio_file.h"
#include "koi/base/error.h"
#include "tests/support/temp_dir.h"

namespace koi::eval {
namespace {

using testing::HasSubstr;

class SentenceTest : public testing::Test {
 protected:
  std::vector<Sentence> list(const std::string& lines, const std::string& recordings = "") {
    base::write_file(dir / "목록.tsv", lines);
    return read_sentences(dir / "목록.tsv",
                          recordings.empty() ? base::fs::path() : dir / recordings);
  }
  std::string refusal(const std::string& lines, const std::string& recordings = "") {
    try {
      list(lines, recordings);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  }
  void record(const std::string& path) {
    base::make_folder((dir / path).parent_path());
    audio::write_wav_pcm16(dir / path, std::vector<float>(100), 16000);
  }

  const test::TempDir dir;
};

TEST_F(SentenceTest, AreTheLinesOfAList) {
  const auto sentences = list("# names\n\n b\t Say  it.\r\n가\t안녕\tbye\n");
  ASSERT_EQ(sentences.size(), 2U);
  EXPECT_EQ(sentences[0].name, "b");
  EXPECT_EQ(sentences[0].text, "Say it.");
  EXPECT_EQ(sentences[0].recording, "");
  EXPECT_EQ(sentences[1].name, "가");
  EXPECT_EQ(sentences[1].text, "안녕 bye");
}

TEST_F(SentenceTest, HaveTheRecordingsOfTheirNames) {
  record("녹음/b.wav");
  record("녹음/other.wav");
  const auto sentences = list("a\tx\nb\ty\n", "녹음");
  EXPECT_EQ(sentences[0].recording, "");
  EXPECT_EQ(sentences[1].recording, dir / "녹음/b.wav");
  // As macOS names its files.
  const std::string decomposed = "\u1100\u1161";
  record("맥/" + decomposed + ".wav");
  EXPECT_EQ(list("가\tx\n", "맥")[0].recording, dir / "맥" / (decomposed + ".wav"));
  record("리눅스/가.wav");
  EXPECT_EQ(list(decomposed + "\tx\n", "리눅스")[0].recording, dir / "리눅스/가.wav");
  EXPECT_THAT(refusal("가\tx\n" + decomposed + "\ty\n"), HasSubstr("comes a second time"));
}

TEST_F(SentenceTest, AreTheTranscriptsOfAFolderWithWhatLiesBesideThem) {
  record("in/b.wav");
  record("in/c.wav");
  base::write_file(dir / "in/b.lab", "B.\n");
  base::write_file(dir / "in/a.lab", "A.\n");
  record("in/deeper/d.wav");
  base::write_file(dir / "in/deeper/d.lab", "D.\n");
  const auto sentences = read_sentences(dir / "in", "");
  ASSERT_EQ(sentences.size(), 2U);
  EXPECT_EQ(sentences[0].name, "a");
  EXPECT_EQ(sentences[0].text, "A.");
  EXPECT_EQ(sentences[0].recording, "");
  EXPECT_EQ(sentences[1].recording, dir / "in/b.wav");
  // Recordings of others.
  record("originals/a.wav");
  EXPECT_EQ(read_sentences(dir / "in", dir / "originals")[0].recording, dir / "originals/a.wav");
}

TEST_F(SentenceTest, WhatIsWrongIsNamed) {
  EXPECT_THAT(refusal(""), HasSubstr("holds no line NAME<tab>TEXT"));
  EXPECT_THAT(refusal("a\tx\nb\n"), HasSubstr("line 2: has no text to say"));
  EXPECT_THAT(refusal("a\tx\na\ty\n"), HasSubstr("line 2: the name a comes a second time"));
  for (const char* name : {"../x", ".x", "a/b", "", "a\x01z"})
    EXPECT_THAT(refusal(name + std::string("\tx\n")), HasSubstr("cannot be a file's")) << name;
  EXPECT_THAT(refusal(std::string(201, 'n') + "\tx\n"), HasSubstr("cannot be a file's"));
  EXPECT_THAT(refusal("a\t" + std::string(4097, 'x')), HasSubstr("has 4097 bytes of text"));
  EXPECT_THAT(refusal("a\t\xFF\xFE"), HasSubstr("UTF-8"));
  EXPECT_THAT(refusal("a\tx\n", "nowhere"), HasSubstr("nowhere"));
  record("rec/b.wav");
  EXPECT_THAT(refusal("a\tx\n", "rec"), HasSubstr("no recording of any of the sentences"));
  record("rec/b.flac");
  EXPECT_THAT(refusal("b\tx\n", "rec"), HasSubstr("has the name of b."));
  base::make_folder(dir / "empty");
  EXPECT_THROW(read_sentences(dir / "empty", ""), Error);
  EXPECT_THROW(read_sentences(dir / "none.tsv", ""), Error);
}

}  // namespace
}  // namespace koi::eval
