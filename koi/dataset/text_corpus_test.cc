#include "koi/dataset/text_corpus.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"
#include "tests/support/temp_dir.h"

namespace koi::dataset {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

class TextCorpus : public testing::Test {
 protected:
  std::vector<std::string> texts_of(const std::string& name, const std::string& bytes,
                                    text::NumberReading numbers = text::NumberReading::none) {
    base::write_file(at / name, bytes);
    std::vector<std::string> texts;
    read_texts(at / name, numbers, [&](const std::string& text) { texts.push_back(text); });
    return texts;
  }
  test::TempDir at;
};

TEST_F(TextCorpus, ALineIsATextAndALabFileIsOne) {
  EXPECT_THAT(texts_of("a.txt", "first  (one)\r\n\r\n {laughs} \nsecond: 목소리"),
              ElementsAre("first one", "second, 목소리"));
  EXPECT_THAT(texts_of("a.lab", "first\n<b>second</b>\n"), ElementsAre("first second"));
  EXPECT_THAT(texts_of("b.lab", ""), ElementsAre());
}

TEST_F(TextCorpus, NumbersAreReadOutWhenAsked) {
  EXPECT_THAT(texts_of("a.txt", "5 apples"), ElementsAre("5 apples"));
  EXPECT_THAT(texts_of("a.txt", "5 apples", text::NumberReading::english),
              ElementsAre("five apples"));
}

TEST_F(TextCorpus, Utf16IsRead) {
  EXPECT_THAT(texts_of("a.txt", std::string("\xFF\xFE"
                                            "a\0\n\0b\0",
                                            8)),
              ElementsAre("a", "b"));
}

TEST_F(TextCorpus, WhatIsNoUtf8IsNamedWithItsLine) {
  EXPECT_THAT(
      [&] {
        texts_of("a.txt",
                 "one\ntwo\nthr\xFF"
                 "ee\n");
      },
      ThrowsMessage<Error>(HasSubstr("a.txt, line 3: is not valid UTF-8")));
  EXPECT_THAT([&] { texts_of("a.txt", std::string("a\0\0b", 4)); },
              ThrowsMessage<Error>(HasSubstr("a.txt: holds NUL characters")));
}

TEST_F(TextCorpus, FilesAreFoundOnce) {
  base::make_folder(at / "화자/b");
  for (const char* name : {"화자/x.lab", "화자/b/y.TXT", "화자/z.wav", "list.csv"})
    base::write_file(at / name, "12345");
  const TextFiles files = find_text_files({at / "화자", at / "화자/x.lab", at / "list.csv"});
  EXPECT_EQ(files.paths.size(), 3u);
  EXPECT_EQ(files.bytes, 15u);
  base::make_folder(at / "empty");
  EXPECT_THROW(find_text_files({at / "empty"}), Error);
  EXPECT_THROW(find_text_files({at / "absent"}), Error);
}

}  // namespace
}  // namespace koi::dataset
