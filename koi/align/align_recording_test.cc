#include "koi/align/align_recording.h"

#include <gtest/gtest.h>

#include "koi/base/error.h"
#include "tests/support/temp_dir.h"

namespace koi::align {
namespace {

TEST(ReadText, InEveryEncodingThatIsPlain) {
  const test::TempDir dir;
  const auto read = [&](const std::string& bytes) {
    base::write_file(dir / "x.txt", bytes);
    return read_text(dir / "x.txt");
  };
  EXPECT_EQ(read("\xEF\xBB\xBF네.\r\n"), "네.\n");
  EXPECT_EQ(read({"\xFF\xFE\x24\xB1.\0", 6}), "네.");
  // "안녕하십니까, 반갑습니다." in EUC-KR
  EXPECT_EQ(read("\xBE\xC8\xB3\xE7\xC7\xCF\xBD\xCA\xB4\xCF\xB1\xEE, "
                 "\xB9\xDD\xB0\xA9\xBD\xC0\xB4\xCF\xB4\xD9."),
            "안녕하십니까, 반갑습니다.");
  EXPECT_THROW(read("\xC3("), Error);
  EXPECT_THROW(read({"a\0b", 3}), Error);
  EXPECT_THROW(read_text(dir / "missing.txt"), Error);
}

}  // namespace
}  // namespace koi::align
