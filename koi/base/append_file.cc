#include "koi/base/append_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "koi/base/error.h"

namespace koi::base {
namespace {

[[noreturn]] void fail(const fs::path& path) {
  throw Error(ErrorKind::io, path.string(),
              std::string("cannot be written: ") + std::strerror(errno));
}

}  // namespace

AppendFile::AppendFile(const fs::path& path)
    : path_(path),
      descriptor_(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) fail(path_);
}

AppendFile::~AppendFile() { ::close(descriptor_); }

void AppendFile::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(path_);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

}  // namespace koi::base
