#include "koi/base/atomic_folder.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "koi/base/error.h"
#include "tests/support/temp_dir.h"

namespace koi::base {
namespace {

size_t entries(const fs::path& folder) {
  return static_cast<size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(AtomicFolder, AppearsOnlyWhenCommitted) {
  const test::TempDir dir;
  {
    AtomicFolder folder(dir / "a/b/");
    write_file(folder.temporary_path() / "file", "x");
    EXPECT_FALSE(fs::exists(dir / "a/b"));
    folder.commit();
  }
  EXPECT_EQ(read_file(dir / "a/b/file"), "x");
  EXPECT_EQ(entries(dir / "a"), 1u);
}

TEST(AtomicFolder, LeavesNothingBehindWithoutCommit) {
  const test::TempDir dir;
  { write_file(AtomicFolder(dir / "a").temporary_path() / "file", "x"); }
  EXPECT_EQ(entries(dir.path()), 0u);
}

TEST(AtomicFolder, RefusesWhatIsThereButNotAnEmptyFolder) {
  const test::TempDir dir;
  make_folder(dir / "empty");
  AtomicFolder(dir / "empty").commit();
  make_folder(dir / "full");
  write_file(dir / "full/file", "old");
  EXPECT_THROW(AtomicFolder(dir / "full"), Error);
  EXPECT_THROW(AtomicFolder(dir / "full/file"), Error);
  EXPECT_EQ(read_file(dir / "full/file"), "old");
}

TEST(AtomicFolder, ReplacesOnRequest) {
  const test::TempDir dir;
  make_folder(dir / "full");
  write_file(dir / "full/old", "old");
  AtomicFolder folder(dir / "full", AtomicFolder::Existing::replace);
  write_file(folder.temporary_path() / "new", "new");
  EXPECT_TRUE(fs::exists(dir / "full/old"));
  folder.commit();
  EXPECT_FALSE(fs::exists(dir / "full/old"));
  EXPECT_EQ(read_file(dir / "full/new"), "new");
  EXPECT_EQ(entries(dir.path()), 1u);
}

TEST(AtomicFolder, RemovesWhatKilledProcessesLeft) {
  const test::TempDir dir;
  const AtomicFolder at_work(dir / "a");
  make_folder(dir / ".koi-tmp-abcdef/b");
  make_folder(dir / ".koi-tmp-mine");
  AtomicFolder(dir / "c").commit();
  EXPECT_FALSE(fs::exists(dir / ".koi-tmp-abcdef"));
  EXPECT_TRUE(fs::exists(dir / ".koi-tmp-mine"));
  EXPECT_TRUE(fs::exists(at_work.temporary_path()));
}

// Each looks for left ones in the moment in which the others make theirs.
TEST(AtomicFolder, SeveralAtOnceLeaveEachOthersAlone) {
  const test::TempDir dir;
  const size_t open_files = entries("/proc/self/fd");
  std::atomic<int> lost = 0;
  const auto make_some = [&] {
    for (int i = 0; i < 1500; ++i) {
      const AtomicFolder folder(dir / "a");
      std::error_code error;
      if (!fs::create_directory(folder.temporary_path() / "b", error)) ++lost;
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(make_some);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(lost, 0);
  EXPECT_EQ(entries(dir.path()), 0U);
  EXPECT_EQ(entries("/proc/self/fd"), open_files);
}

}  // namespace
}  // namespace koi::base
