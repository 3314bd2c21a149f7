#include "koi/base/system_memory.h"

#include <gtest/gtest.h>

#include <string>

#include "koi/base/error.h"
#include "tests/support/temp_dir.h"

namespace koi::base {
namespace {

class System {
 public:
  System() {
    write("proc/meminfo", "MemTotal: 9000 kB\nMemFree: 1 kB\nMemAvailable: 4000 kB\n");
    write("proc/self/status", "Name: koi\nVmRSS: 700 kB\nRssAnon: 500 kB\nRssFile: 200 kB\n");
    write("proc/self/cgroup", "1:cpu:/elsewhere\n0::/a/b\n");
  }
  void write(const std::string& path, const std::string& text) const {
    make_folder((folder_ / path).parent_path());
    write_file(folder_ / path, text);
  }
  int64_t available_kib() const { return available_memory_bytes(folder_.path()) / 1024; }
  int64_t held_kib() const { return held_memory_bytes(folder_.path()) / 1024; }

 private:
  test::TempDir folder_;
};

std::string kib(int64_t count) { return std::to_string(count * 1024) + "\n"; }

TEST(SystemMemory, WhatTheSystemSays) {
  EXPECT_EQ(System().available_kib(), 4000);
  EXPECT_EQ(System().held_kib(), 500);
}

TEST(SystemMemory, ControlGroupsAndTheirParentsLimitIt) {
  const System system;
  system.write("sys/fs/cgroup/a/b/memory.max", "max\n");
  system.write("sys/fs/cgroup/a/b/memory.current", kib(100));
  EXPECT_EQ(system.available_kib(), 4000);
  system.write("sys/fs/cgroup/a/memory.max", kib(3000));
  system.write("sys/fs/cgroup/a/memory.current", kib(1500));
  EXPECT_EQ(system.available_kib(), 1500);
  // Pages of files give way.
  system.write("sys/fs/cgroup/a/memory.stat",
               "anon 1\nactive_file 102400\nfile_mapped 9\ninactive_file 204800\n");
  EXPECT_EQ(system.available_kib(), 1800);
  system.write("sys/fs/cgroup/a/b/memory.max", kib(50));  // less than it has
  EXPECT_EQ(system.available_kib(), 0);
}

TEST(SystemMemory, OldControlGroupsToo) {
  const System system;
  system.write("proc/self/cgroup", "4:cpu,memory:/job\n0::/\n");
  system.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  system.write("sys/fs/cgroup/memory/memory.usage_in_bytes", kib(100));
  EXPECT_EQ(system.available_kib(), 4000);
  system.write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", kib(2000));
  system.write("sys/fs/cgroup/memory/job/memory.usage_in_bytes", kib(1500));
  system.write("sys/fs/cgroup/memory/job/memory.stat",
               "active_file 4\ntotal_active_file 102400\ntotal_inactive_file 0\n");
  EXPECT_EQ(system.available_kib(), 600);
}

TEST(SystemMemory, ASystemThatDoesNotSayIsAnError) {
  const System system;
  system.write("proc/meminfo", "MemTotal: 9000 kB\n");
  EXPECT_THROW(system.available_kib(), Error);
}

TEST(SystemMemory, OfThisMachine) {
  EXPECT_GT(available_memory_bytes(), int64_t{1} << 20);
  EXPECT_GT(held_memory_bytes(), int64_t{1} << 16);
}

}  // namespace
}  // namespace koi::base
