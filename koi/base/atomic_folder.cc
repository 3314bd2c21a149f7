#include "koi/base/atomic_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "koi/base/error.h"
#include "koi/base/leftovers.h"

namespace koi::base {
namespace {

bool is_taken(const fs::path& path) {
  std::error_code ignored;
  const auto status = fs::symlink_status(path, ignored);
  if (!fs::exists(status)) return false;
  return !fs::is_directory(status) || !fs::is_empty(path, ignored);
}

constexpr std::string_view kTemporary = ".koi-tmp-XXXXXX", kAside = ".koi-old-XXXXXX";

// A fresh folder beside `path`, on the same file system.
fs::path make_beside(const fs::path& path, std::string_view pattern) {
  std::string name = (path.parent_path() / pattern).string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw Error(ErrorKind::io, path.string(),
                std::string("the folder cannot be made: ") + std::strerror(errno));
  }
  return name;
}

void rename_folder(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) throw Error(ErrorKind::io, to.string(), "cannot be put in place: " + error.message());
}

// At once, where the file system can do that; else there is nothing at `there` for a moment.
void exchange(const fs::path& here, const fs::path& there) {
  if (::renameat2(AT_FDCWD, here.c_str(), AT_FDCWD, there.c_str(), RENAME_EXCHANGE) == 0) return;
  const fs::path aside = make_beside(there, kAside);
  rename_folder(there, aside);
  rename_folder(here, there);
  rename_folder(aside, here);
}

int open_folder(const fs::path& folder) {
  return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

// Temporary folders that nobody works in.
void remove_left_over(const fs::path& parent) {
  std::error_code error;
  std::vector<fs::path> found;
  fs::directory_iterator entry(parent, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with(kTemporaryPrefix) && name.size() == kTemporary.size())
      found.push_back(*entry);
  }
  for (const fs::path& folder : found) {
    const int descriptor = open_folder(folder);
    if (descriptor < 0) continue;
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) fs::remove_all(folder, error);
    ::close(descriptor);
  }
}

}  // namespace

AtomicFolder::AtomicFolder(const fs::path& path, Existing existing) : existing_(existing) {
  if (path.empty()) throw Error(ErrorKind::usage, "''", "is no name of a folder");
  path_ = fs::absolute(path).lexically_normal();
  if (!path_.has_filename()) path_ = path_.parent_path();  // a slash at the end
  if (existing == Existing::refuse && is_taken(path_)) {
    throw Error(ErrorKind::io, path.string(), "is there already",
                "choose another folder or remove it first");
  }
  make_folder(path_.parent_path());
  remove_left_over(path_.parent_path());
  do {
    if (lock_ >= 0) ::close(lock_);
    temporary_ = make_beside(path_, kTemporary);
    lock_ = open_folder(temporary_);
  } while (lock_ < 0 ? errno == ENOENT : !claim(lock_));
  const mode_t mask = ::umask(0);
  ::umask(mask);
  ::chmod(temporary_.c_str(), 0777 & ~mask);
}

AtomicFolder::~AtomicFolder() {
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
  if (lock_ >= 0) ::close(lock_);
}

void AtomicFolder::commit() {
  sync_folder(temporary_);
  if (existing_ == Existing::replace && is_taken(path_)) {
    exchange(temporary_, path_);
    std::error_code ignored;
    fs::remove_all(temporary_, ignored);
  } else {
    rename_folder(temporary_, path_);
  }
  temporary_.clear();
  sync_folder(path_.parent_path());
}

}  // namespace koi::base
