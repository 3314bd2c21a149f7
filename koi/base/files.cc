#include "koi/base/files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "koi/base/error.h"
#include "koi/base/leftovers.h"
#include "koi/base/listing.h"
#include "koi/base/mapped_pages.h"

namespace koi::base {
namespace {

std::string system_reason() { return std::strerror(errno); }

// A descriptor that closes itself.
struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

// Opens a regular file for reading (a pipe would block, a folder has no bytes) and gives its size.
int open_regular(const fs::path& path, uint64_t& size) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    const bool missing = errno == ENOENT || errno == ENOTDIR;
    throw Error(missing ? ErrorKind::not_found : ErrorKind::io, path.string(),
                missing ? "no such file" : "cannot be read: " + system_reason());
  }
  struct stat status {};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor);
    throw Error(
        ErrorKind::io, path.string(),
        S_ISDIR(status.st_mode) ? "is a folder, a file was expected" : "is not a regular file");
  }
  size = static_cast<uint64_t>(status.st_size);
  return descriptor;
}

// Reads up to `size` bytes, fewer where the file has become shorter; gives how many.
size_t read_fully(int descriptor, char* bytes, size_t size, const fs::path& path) {
  size_t filled = 0;
  while (filled < size) {
    const ssize_t got = ::read(descriptor, bytes + filled, size - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error(ErrorKind::io, path.string(), "cannot be read: " + system_reason());
    if (got == 0) break;
    filled += static_cast<size_t>(got);
  }
  return filled;
}

}  // namespace

std::string read_file(const fs::path& path, uint64_t max_bytes) {
  uint64_t size = 0;
  const Descriptor file{open_regular(path, size)};
  if (size > max_bytes) {
    throw Error(ErrorKind::unsupported, path.string(),
                "is " + std::to_string(size) + " bytes, at most " + std::to_string(max_bytes) +
                    " are read");
  }
  std::string bytes(size, '\0');
  bytes.resize(read_fully(file.value, bytes.data(), bytes.size(), path));
  return bytes;
}

std::shared_ptr<const MappedFile> MappedFile::open(const fs::path& path) {
  uint64_t size = 0;
  const Descriptor file{open_regular(path, size)};
  if (size < kLeastMapped) {
    auto bytes = std::make_unique<char[]>(size);
    const size_t there = read_fully(file.value, bytes.get(), size, path);
    return std::shared_ptr<const MappedFile>(new MappedFile(bytes.release(), there));
  }
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.value, 0);
  if (data == MAP_FAILED)
    throw Error(ErrorKind::io, path.string(), "cannot be mapped: " + system_reason());
  return std::shared_ptr<const MappedFile>(new MappedFile(static_cast<const char*>(data), size));
}

MappedFile::~MappedFile() {
  if (size_ < kLeastMapped) {
    delete[] data_;
  } else {
    ::munmap(const_cast<char*>(data_), size_);
  }
}

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)) {
  if (!path_.has_filename())
    throw Error(ErrorKind::usage, "'" + path_.string() + "'", "is no name of a file");
  // A name of its own among all threads and processes; it does not grow with that of the file:
  // names of 255 bytes are fine too.
  static std::atomic<uint64_t> counter{0};
  const fs::path folder = path_.has_parent_path() ? path_.parent_path() : fs::path(".");
  do {
    if (descriptor_ >= 0) ::close(descriptor_);
    temporary_ = folder / (std::string(kTemporaryPrefix) + std::to_string(::getpid()) + "-" +
                           std::to_string(counter++));
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (descriptor_ < 0 ? errno == EEXIST : !claim(descriptor_));
  if (descriptor_ < 0) {
    const bool missing = errno == ENOENT || errno == ENOTDIR;
    throw Error(missing ? ErrorKind::not_found : ErrorKind::io, path_.string(),
                "cannot be written: " + system_reason());
  }
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::fail(std::string_view doing) const {
  throw Error(ErrorKind::io, path_.string(), std::string(doing) + ": " + system_reason());
}

void AtomicFile::write(std::string_view bytes) {
  position_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("cannot be written");
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) fail("cannot be synced");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail("cannot be put in place");
  ::close(descriptor_);
  descriptor_ = -1;
  sync_folder(path_.has_parent_path() ? path_.parent_path() : fs::path("."));
}

void write_file(const fs::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void make_folder(const fs::path& path) {
  std::error_code error;
  std::error_code ignored;
  fs::create_directories(path, error);
  if (error || !fs::is_directory(path, ignored)) {
    throw Error(
        ErrorKind::io, path.string(),
        "the folder cannot be made: " + (error ? error.message() : "a file of that name is there"));
  }
}

void sync_folder(const fs::path& path) {
  const Descriptor folder{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  // Some file systems know no sync of folders; the file itself is synced either way.
  if (folder.value >= 0) ::fsync(folder.value);
}

std::vector<fs::path> list_files(const fs::path& folder,
                                 const std::function<bool(const fs::path&)>& accept,
                                 bool recursive) {
  Listing listing = list_entries(folder, accept, recursive);
  for (const OddEntry& entry : listing.odd) {
    if (entry.kind == OddEntry::Kind::closed_folder)
      throw Error(ErrorKind::io, entry.path.string(), entry.what);
  }
  return std::move(listing.files);
}

bool path_parts_less(const fs::path& a, const fs::path& b) {
  // '/' as the smallest byte gives the order of the parts without cutting the path into them.
  const std::string& left = a.native();
  const std::string& right = b.native();
  return std::lexicographical_compare(
      left.begin(), left.end(), right.begin(), right.end(), [](char x, char y) {
        const auto rank = [](char c) { return c == '/' ? 0 : 1 + static_cast<unsigned char>(c); };
        return rank(x) < rank(y);
      });
}

std::string lower_extension(const fs::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return extension;
}

}  // namespace koi::base
