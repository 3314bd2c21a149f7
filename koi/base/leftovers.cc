#include "koi/base/leftovers.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace koi::base {
namespace {

// Is it the name of a temporary file: PREFIX, process, "-", count?
bool is_temporary(std::string_view name) {
  if (!name.starts_with(kTemporaryPrefix)) return false;
  name.remove_prefix(kTemporaryPrefix.size());
  const size_t bar = name.find('-');
  const auto is_number = [](std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  return bar != std::string_view::npos && is_number(name.substr(0, bar)) &&
         is_number(name.substr(bar + 1));
}

// Its writer holds a lock on it as long as it lives.
void remove_if_left_over(const fs::path& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) return;
  if (::flock(file, LOCK_EX | LOCK_NB) == 0) ::unlink(path.c_str());
  ::close(file);
}

template <typename Iterator>
void remove_along(const fs::path& folder) {
  std::error_code error;
  Iterator entry(folder, fs::directory_options::skip_permission_denied, error);
  for (; !error && entry != Iterator(); entry.increment(error)) {
    if (is_temporary(entry->path().filename().native())) remove_if_left_over(entry->path());
  }
}

}  // namespace

bool claim(int descriptor) {
  while (::flock(descriptor, LOCK_EX) != 0 && errno == EINTR) {
  }
  struct stat status {};
  return ::fstat(descriptor, &status) != 0 || status.st_nlink > 0;
}

void remove_leftovers(const fs::path& folder) { remove_along<fs::directory_iterator>(folder); }

void remove_leftovers_below(const fs::path& folder) {
  remove_along<fs::recursive_directory_iterator>(folder);
}

}  // namespace koi::base
