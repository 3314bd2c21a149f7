#include "koi/base/mapped_pages.h"

#include <gtest/gtest.h>

#include "koi/base/files.h"
#include "koi/base/process_memory.h"
#include "tests/support/temp_dir.h"

namespace koi::base {
namespace {

TEST(MappedPages, LeaveTheMemoryAndComeBack) {
  constexpr int64_t kBytes = 64 << 20;
  const test::TempDir folder;
  write_file(folder / "file", std::string(kBytes, 'x'));
  const auto file = MappedFile::open(folder / "file");
  const auto touch_all = [&] {
    int64_t found = 0;
    for (const char c : file->bytes()) found += c == 'x' ? 1 : 0;
    return found;
  };
  EXPECT_EQ(touch_all(), kBytes);
  const int64_t before = process_memory().resident_bytes;
  release_pages(file->bytes().substr(1));
  EXPECT_LT(process_memory().resident_bytes, before - kBytes / 2);
  release_pages(file->bytes().substr(5, 7));  // no whole page
  EXPECT_EQ(touch_all(), kBytes);
}

// MappedFile reads such a file into memory of its own, which would lose its content.
TEST(MappedPages, SmallFilesStay) {
  const test::TempDir folder;
  const std::string text(kLeastMapped - 1, 'x');
  write_file(folder / "file", text);
  const auto file = MappedFile::open(folder / "file");
  release_pages(file->bytes());
  EXPECT_TRUE(file->bytes() == text);
}

}  // namespace
}  // namespace koi::base
