#include "koi/dataset/shard_folder.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <map>

#include "koi/base/error.h"
#include "koi/dataset/pack.h"
#include "koi/dataset/shard.h"
#include "koi/dataset/shard_files.h"
#include "tests/support/temp_dir.h"

namespace {

// Before so many further calls that change a folder the process is killed; below 0 never.
int g_calls_left = -1;

void count_call() {
  if (g_calls_left >= 0 && g_calls_left-- == 0) ::raise(SIGKILL);
}

}  // namespace

// std::filesystem and koi end in these functions of the C library; this program stands before them.
extern "C" {
int rename(const char* from, const char* to) noexcept {
  count_call();
  return ::renameat(AT_FDCWD, from, AT_FDCWD, to);
}
int unlinkat(int folder, const char* name, int flags) noexcept {
  count_call();
  return static_cast<int>(::syscall(SYS_unlinkat, folder, name, flags));
}
int remove(const char* path) noexcept {
  const int done = ::unlinkat(AT_FDCWD, path, 0);
  return done != 0 && errno == EISDIR ? ::unlinkat(AT_FDCWD, path, AT_REMOVEDIR) : done;
}
int mkdir(const char* path, mode_t mode) noexcept {
  count_call();
  return static_cast<int>(::syscall(SYS_mkdirat, AT_FDCWD, path, mode));
}
}

namespace koi::dataset {
namespace {

using Shards = std::map<std::string, std::string>;  // bytes by name
namespace fs = std::filesystem;

void add(ShardFolder& folder, const std::string& record) {
  folder.begin_record();
  for (const char c : record) folder.append({&c, 1});
  EXPECT_EQ(folder.end_record("speaker"), record.size() + 4);
}

// A shard for each record.
void write_shards(const fs::path& output, const std::vector<std::string>& records) {
  ShardFolder folder(output, 0);
  for (const std::string& record : records) add(folder, record);
  folder.commit(stale_shards(output));
}

Shards shards_of(const std::vector<std::string>& records) {
  Shards shards;
  for (const std::string& record : records)
    shards["0000000" + std::to_string(shards.size()) + ".protos"] =
        record_length(record.size(), "speaker") + record;
  return shards;
}

Shards in_folder(const fs::path& folder) {
  Shards shards;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".protos")
      shards[entry.path().filename()] = base::read_file(entry.path());
  }
  return shards;
}

bool are_part_of(const Shards& part, const Shards& whole) {
  return std::includes(whole.begin(), whole.end(), part.begin(), part.end());
}

bool training_accepts(const fs::path& folder) {
  try {
    find_shards({folder.string()});
    return true;
  } catch (const Error&) {
    return false;
  }
}

// Runs `work` in a process of its own; true where it was killed at call number `call`.
template <typename Work>
bool is_killed_at(int call, const Work& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    g_calls_left = call;
    work();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
  return WIFSIGNALED(status);
}

// Kills the packing of `fresh` over `old` at each call in turn.
void expect_no_mix(const std::vector<std::string>& old, const std::vector<std::string>& fresh) {
  const Shards before = shards_of(old), after = shards_of(fresh);
  int call = 0;
  for (bool killed = true; killed; ++call) {
    SCOPED_TRACE(call);
    for (const bool same_again : {true, false}) {
      const test::TempDir folder;
      base::write_file(folder / "notes.txt", "mine");
      write_shards(folder.path(), old);
      ASSERT_EQ(in_folder(folder.path()), before);

      killed = is_killed_at(call, [&] { write_shards(folder.path(), fresh); });
      const Shards left = in_folder(folder.path());
      EXPECT_TRUE(are_part_of(left, before) || are_part_of(left, after));
      if (training_accepts(folder.path())) {
        EXPECT_TRUE(left == before || left == after);
      }
      EXPECT_TRUE(killed || left == after);

      const std::vector<std::string> again =
          same_again ? fresh : std::vector<std::string>{"other data"};
      write_shards(folder.path(), again);
      EXPECT_EQ(in_folder(folder.path()), shards_of(again));
      EXPECT_TRUE(training_accepts(folder.path()));
      const auto entries = std::distance(fs::directory_iterator(folder.path()), {});
      EXPECT_EQ(static_cast<size_t>(entries), again.size() + 1);  // and the notes
    }
  }
  EXPECT_GT(call, static_cast<int>(old.size() + fresh.size()));  // each of them was a call
}

TEST(ShardFolder, IsNeverAMixWhereverItIsKilled) {
  expect_no_mix({"old 0", "old 1", "old 2"}, {"new 0", "new 1"});
  expect_no_mix({"old 0"}, {"new 0", "new 1", "new 2"});
}

TEST(ShardFolder, KilledTwiceItIsStillFinished) {
  const std::vector<std::string> old = {"old"}, fresh = {"new 0", "new 1"};
  bool killed = true;
  for (int first = 0; killed; ++first) {
    bool killed_again = true;
    for (int second = 0; killed_again; ++second) {
      SCOPED_TRACE(std::to_string(first) + ", " + std::to_string(second));
      const test::TempDir folder;
      write_shards(folder.path(), old);
      killed = is_killed_at(first, [&] { write_shards(folder.path(), fresh); });
      killed_again = is_killed_at(second, [&] { ShardFolder(folder.path(), 0); });
      const Shards left = in_folder(folder.path());
      EXPECT_TRUE(are_part_of(left, shards_of(old)) || are_part_of(left, shards_of(fresh)));
      ShardFolder(folder.path(), 0);
      const Shards settled = in_folder(folder.path());
      EXPECT_TRUE(settled == shards_of(old) || settled == shards_of(fresh));
    }
  }
}

TEST(ShardFolder, OnePackerAtATime) {
  const test::TempDir folder;
  ShardFolder first(folder.path(), 0);
  add(first, "mine");
  EXPECT_THROW(ShardFolder(folder.path(), 0), Error);
  EXPECT_EQ(first.commit({}).size(), 1U);
}

TEST(ShardFolder, UnsettledFoldersAreNamed) {
  const test::TempDir folder;
  base::make_folder(folder / "sub/.koi-switching-shards");
  base::write_file(folder / "sub/00000000.protos", "x");
  for (const char* pattern : {"", "sub", "sub/00000000.protos"}) {
    try {
      find_shards({(folder / pattern).string()});
      FAIL() << pattern;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("sub: koi build-dataset was killed"));
    }
  }
}

}  // namespace
}  // namespace koi::dataset
