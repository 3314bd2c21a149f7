#include "koi/base/folder_lock.h"

#include <gtest/gtest.h>

#include <optional>

#include "tests/support/temp_dir.h"

namespace koi::base {
namespace {

TEST(FolderLock, OneAtATimeAndGoneWithItsHolder) {
  const test::TempDir folder;
  std::optional<FolderLock> first(std::in_place);
  FolderLock second, third;
  EXPECT_TRUE(first->try_lock(folder.path()));
  EXPECT_FALSE(second.try_lock(folder.path()));
  first.reset();
  EXPECT_TRUE(third.try_lock(folder.path()));
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(FolderLock, ByAFile) {
  const test::TempDir folder;
  std::optional<FolderLock> first(std::in_place);
  FolderLock second, third;
  EXPECT_TRUE(first->try_lock_file(folder.path()));
  EXPECT_FALSE(second.try_lock_file(folder.path()));
  first.reset();
  EXPECT_TRUE(third.try_lock_file(folder.path()));
}

}  // namespace
}  // namespace koi::base
