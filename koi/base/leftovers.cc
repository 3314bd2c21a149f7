#include "koi/base/leftovers.h"

#include <signal.h>

#include <cerrno>
#include <charconv>

namespace koi::base {
namespace {

bool is_running(pid_t process) { return ::kill(process, 0) == 0 || errno != ESRCH; }

// Is it the name of a temporary file (PREFIX, process, "-", count) whose process is no more?
bool is_left_over(std::string_view name) {
  if (!name.starts_with(kTemporaryPrefix)) return false;
  name.remove_prefix(kTemporaryPrefix.size());
  pid_t process = 0;
  const auto read = std::from_chars(name.data(), name.data() + name.size(), process);
  const bool numbered = read.ec == std::errc() && read.ptr != name.data() + name.size() &&
                        *read.ptr == '-' && process > 0;
  return numbered && !is_running(process);
}

}  // namespace

void remove_leftovers(const fs::path& folder) {
  if (!fs::is_directory(folder)) return;
  const auto files = list_files(
      folder, [](const fs::path& path) { return is_left_over(path.filename().string()); },
      /*recursive=*/false);
  for (const fs::path& path : files) fs::remove(path);
}

}  // namespace koi::base
