#include "koi/base/append_file.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"
#include "tests/support/temp_dir.h"

namespace koi::base {
namespace {

TEST(AppendFile, GoesOnAtTheEnd) {
  const test::TempDir folder;
  const fs::path path = folder / "기록";
  for (const char* line : {"one\n", "two\n"}) {
    AppendFile file(path);
    file.append(line);
    EXPECT_THAT(read_file(path), testing::EndsWith(line));
  }
  EXPECT_EQ(read_file(path), "one\ntwo\n");
}

TEST(AppendFile, SaysWhatCannotBeWritten) {
  const test::TempDir folder;
  EXPECT_THROW(AppendFile(folder.path()), Error);
  AppendFile full("/dev/full");
  try {
    full.append("x");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::io);
    EXPECT_STREQ(error.what(), "/dev/full: cannot be written: No space left on device");
  }
}

}  // namespace
}  // namespace koi::base
