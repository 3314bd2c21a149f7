#include "koi/base/blob_cache.h"

#include <gmock/gmock.h>

#include <chrono>
#include <cstdlib>

#include "tests/support/temp_dir.h"

namespace koi::base {
namespace {

using testing::Optional;

std::vector<fs::path> files_in(const fs::path& folder) {
  return list_files(folder, [](const fs::path&) { return true; });
}

TEST(BlobCache, KeepsBytesUnderAnyKey) {
  const test::TempDir dir;
  const BlobCache cache(dir / "a/b");
  EXPECT_EQ(cache.load("key"), std::nullopt);
  const std::string bytes("\0\xff목소리", 11), key("a/b\0c", 5);
  cache.keep(key, bytes);
  cache.keep("key", "");
  EXPECT_THAT(cache.load(key), Optional(bytes));
  EXPECT_THAT(cache.load("key"), Optional(std::string()));
  EXPECT_EQ(cache.load("a/b"), std::nullopt);
  cache.keep("key", "other");
  EXPECT_THAT(BlobCache(dir / "a/b").load("key"), Optional(std::string("other")));
}

TEST(BlobCache, DamagedFilesAreAsIfTheyWereNotThere) {
  const test::TempDir dir;
  const BlobCache cache(dir.path());
  cache.keep("key", "some bytes");
  const fs::path file = files_in(dir.path()).at(0);
  const std::string whole = read_file(file);
  for (const std::string& damaged :
       {whole.substr(0, whole.size() - 1), whole.substr(0, 10), std::string(), whole + "x"}) {
    write_file(file, damaged);
    EXPECT_EQ(cache.load("key"), std::nullopt);
  }
  cache.keep("key", "some bytes");
  EXPECT_THAT(cache.load("key"), Optional(std::string("some bytes")));
}

TEST(BlobCache, WhatWasNotUsedForLongestGoesFirst) {
  const test::TempDir dir;
  const BlobCache cache(dir.path(), 3 * 100);  // each with its hash
  for (const char* key : {"1", "2", "3"}) {
    cache.keep(key, std::string(30, 'x'));
    for (const fs::path& file : files_in(dir.path()))
      fs::last_write_time(file, fs::last_write_time(file) - std::chrono::seconds(10));
  }
  EXPECT_TRUE(cache.load("1"));
  cache.keep("4", std::string(30, 'x'));
  EXPECT_TRUE(cache.load("1"));
  EXPECT_FALSE(cache.load("2"));
  EXPECT_TRUE(cache.load("3"));
  EXPECT_TRUE(cache.load("4"));
}

TEST(BlobCache, FoldersThatCannotBeMadeKeepNothing) {
  const test::TempDir dir;
  write_file(dir / "file", "x");
  const BlobCache cache(dir / "file/below");
  cache.keep("key", "bytes");
  EXPECT_EQ(cache.load("key"), std::nullopt);
  EXPECT_EQ(read_file(dir / "file"), "x");
}

TEST(BlobCache, TheUsersFolder) {
  const char* home = std::getenv("HOME");
  const std::string before = home != nullptr ? home : "";
  unsetenv("XDG_CACHE_HOME");
  setenv("HOME", "/home/지수", 1);
  EXPECT_THAT(BlobCache::user_folder("voices"), Optional(fs::path("/home/지수/.cache/koi/voices")));
  setenv("XDG_CACHE_HOME", "/caches", 1);
  EXPECT_THAT(BlobCache::user_folder("voices"), Optional(fs::path("/caches/koi/voices")));
  setenv("XDG_CACHE_HOME", "relative", 1);
  unsetenv("HOME");
  EXPECT_EQ(BlobCache::user_folder("voices"), std::nullopt);
  unsetenv("XDG_CACHE_HOME");
  setenv("HOME", before.c_str(), 1);
}

}  // namespace
}  // namespace koi::base
