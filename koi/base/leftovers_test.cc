#include "koi/base/leftovers.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/support/temp_dir.h"

namespace koi::base {
namespace {

TEST(Leftovers, OnlyThoseOfProcessesThatAreNoMore) {
  const test::TempDir folder;
  const fs::path file = folder / "모델.ckpt";
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    AtomicFile half(file);
    half.write("half");
    ::_exit(0);  // as if killed: nothing is cleaned up
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  AtomicFile mine(file);
  for (const char* name : {".koi-tmp-", ".koi-tmp-x-1", ".koi-tmp-99999999", "step_1.ckpt"})
    write_file(folder / name, "");
  const auto names = [&] {
    std::vector<std::string> found;
    for (const fs::path& path : list_files(folder.path(), [](const fs::path&) { return true; }))
      found.push_back(path.filename());
    return found;
  };
  ASSERT_EQ(names().size(), 6U);
  remove_leftovers(folder.path());
  EXPECT_EQ(names().size(), 5U);
  EXPECT_THAT(names(), testing::Contains(mine.temporary_path().filename().string()));
  EXPECT_THAT(names(), testing::Not(testing::Contains(testing::HasSubstr(std::to_string(child)))));
  remove_leftovers(folder / "absent");
}

// Of another process, which a lock tells, for its number may be another machine's.
TEST(Leftovers, StayWhileTheirProcessLives) {
  const test::TempDir folder;
  fs::create_directories(folder / "화자/folder");
  fs::create_directory_symlink("..", folder / "화자/circle");
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    AtomicFile half(folder / "화자/folder/x.wav");
    if (::write(pipe_ends[1], "x", 1) != 1) ::_exit(1);
    ::pause();
    ::_exit(0);
  }
  char ready = 0;
  ASSERT_EQ(::read(pipe_ends[0], &ready, 1), 1);
  const auto count = [&] {
    return list_files(folder.path(), [](const fs::path&) { return true; }).size();
  };
  write_file(folder / "화자/folder/.koi-tmp-1-0", "of a process of another machine");
  EXPECT_EQ(count(), 2U);
  remove_leftovers(folder.path());
  EXPECT_EQ(count(), 2U);
  remove_leftovers_below(folder.path());
  EXPECT_EQ(count(), 1U);
  ::kill(child, SIGKILL);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  remove_leftovers_below(folder.path());
  EXPECT_EQ(count(), 0U);
  remove_leftovers_below(folder / "absent");
}

}  // namespace
}  // namespace koi::base
