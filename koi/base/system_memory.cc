#include "koi/base/system_memory.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>

#include "koi/base/error.h"

namespace koi::base {
namespace {

// The number behind the word, or the first one of the file where the word is empty.
std::optional<int64_t> number_in(const fs::path& path, const std::string& word = "") {
  std::ifstream file(path);
  std::string found;
  while (!word.empty() && file >> found && found != word) {
  }
  int64_t value = 0;
  if (file >> value) return value;
  return std::nullopt;
}

int64_t require_kib(const fs::path& path, const std::string& word) {
  const auto kib = number_in(path, word);
  if (!kib) throw Error(ErrorKind::io, path.string(), "does not say " + word);
  return *kib * 1024;
}

// The names that a version of control groups has for the same things.
struct GroupFiles {
  const char* limit;
  const char* used;
  const char* cached[2];  // in memory.stat
};
constexpr GroupFiles kVersion1{.limit = "memory.limit_in_bytes",
                               .used = "memory.usage_in_bytes",
                               .cached = {"total_active_file", "total_inactive_file"}};
constexpr GroupFiles kVersion2{
    .limit = "memory.max", .used = "memory.current", .cached = {"active_file", "inactive_file"}};

// What the group leaves; nothing where it sets no limit or is not to be seen.
std::optional<int64_t> left_in_group(const fs::path& group, const GroupFiles& files) {
  const auto limit = number_in(group / files.limit), used = number_in(group / files.used);
  if (!limit || !used) return std::nullopt;
  int64_t left = *limit - *used;
  for (const char* cached : files.cached)
    left += number_in(group / "memory.stat", cached).value_or(0);
  return std::max<int64_t>(left, 0);
}

// The least that the group and those that it lies in leave.
int64_t least_left(const fs::path& mount, fs::path name, const GroupFiles& files, int64_t least) {
  for (;; name = name.parent_path()) {
    least = std::min(least, left_in_group(mount / name.relative_path(), files).value_or(least));
    if (!name.has_relative_path()) return least;
  }
}

}  // namespace

int64_t available_memory_bytes(const fs::path& root) {
  int64_t left = require_kib(root / "proc/meminfo", "MemAvailable:");
  // "4:memory:/name" in version 1, "0::/name" in version 2.
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string name = line.substr(second + 1);
    if (controllers.empty()) {
      left = least_left(root / "sys/fs/cgroup", name, kVersion2, left);
    } else if (("," + controllers + ",").find(",memory,") != std::string::npos) {
      left = least_left(root / "sys/fs/cgroup/memory", name, kVersion1, left);
    }
  }
  return left;
}

int64_t held_memory_bytes(const fs::path& root) {
  return require_kib(root / "proc/self/status", "RssAnon:");
}

}  // namespace koi::base
