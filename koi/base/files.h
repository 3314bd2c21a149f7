// Files: whole reads, read-only maps, writes that are never half done, listings in a fixed order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace koi::base {

namespace fs = std::filesystem;

// The whole file. Throws Error(not_found) where it is missing, Error(io) where it is no regular
// file or unreadable, Error(unsupported) where it is larger than `max_bytes`.
std::string read_file(const fs::path& path, uint64_t max_bytes = uint64_t{1} << 32);

// A regular file mapped read-only; the pages come in when they are touched. Errors as read_file.
class MappedFile {
 public:
  static std::shared_ptr<const MappedFile> open(const fs::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const { return {data_, size_}; }

 private:
  MappedFile(const char* data, size_t size) : data_(data), size_(size) {}
  const char* data_;
  size_t size_;
};

// A file that appears whole or not at all: written under a temporary name beside `path`, synced,
// then renamed. Destroyed without commit() it leaves nothing behind and `path` as it was. Throws
// Error(io) with the system's reason.
class AtomicFile {
 public:
  explicit AtomicFile(fs::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view bytes);
  uint64_t position() const { return position_; }
  // The temporary file, for a library that writes by name or descriptor itself; commit() syncs it
  // all the same.
  const fs::path& temporary_path() const { return temporary_; }
  int descriptor() const { return descriptor_; }
  void commit();

 private:
  [[noreturn]] void fail(std::string_view doing) const;
  fs::path path_;
  fs::path temporary_;
  int descriptor_ = -1;
  uint64_t position_ = 0;
};

void write_file(const fs::path& path, std::string_view bytes);  // through AtomicFile
void make_folder(const fs::path& path);                         // and its parents; Error(io)
void sync_folder(const fs::path& path);  // so that a rename in it survives a power cut

// All regular files (links to files included) below `folder` for which `accept` holds, links to
// folders not entered (so no circles), sorted by path parts as byte strings (equal to code point
// order). With `recursive` false only `folder` itself. Throws Error(not_found) where there is no
// such folder, Error(io) where one cannot be read.
std::vector<fs::path> list_files(const fs::path& folder,
                                 const std::function<bool(const fs::path&)>& accept,
                                 bool recursive = true);

// Order by path parts: "a/b" before "a-1/b", which plain string order gets wrong.
bool path_parts_less(const fs::path& a, const fs::path& b);

// The extension in ASCII lower case, with its dot: ".wav" of "X.WAV".
std::string lower_extension(const fs::path& path);

}  // namespace koi::base
