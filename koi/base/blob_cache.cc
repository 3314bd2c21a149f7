#include "koi/base/blob_cache.h"

#include <algorithm>
#include <cstdlib>
#include <system_error>
#include <vector>

#include "koi/base/error.h"
#include "koi/base/hash.h"
#include "koi/base/leftovers.h"

namespace koi::base {
namespace {

constexpr std::string_view kEnding = ".kept";
constexpr size_t kHashSize = 64;  // hexadecimal digits, at the beginning of each file

}  // namespace

BlobCache::BlobCache(fs::path folder, uint64_t most_bytes)
    : folder_(std::move(folder)), most_bytes_(most_bytes) {}

std::optional<fs::path> BlobCache::user_folder(std::string_view name) {
  const auto set = [](const char* variable) {
    const char* value = std::getenv(variable);
    return fs::path(value != nullptr ? value : "");
  };
  if (const fs::path caches = set("XDG_CACHE_HOME"); caches.is_absolute())
    return caches / "koi" / name;
  if (const fs::path home = set("HOME"); home.is_absolute()) return home / ".cache/koi" / name;
  return std::nullopt;
}

fs::path BlobCache::file_of(std::string_view key) const {
  return folder_ / (sha256_hex(key) + std::string(kEnding));
}

std::optional<std::string> BlobCache::load(std::string_view key) const {
  const fs::path path = file_of(key);
  std::error_code failed;
  if (!fs::is_regular_file(path, failed)) return std::nullopt;
  try {
    std::string bytes = read_file(path);
    if (bytes.size() < kHashSize) return std::nullopt;
    const std::string hash = bytes.substr(0, kHashSize);
    bytes.erase(0, kHashSize);
    if (sha256_hex(bytes) != hash) return std::nullopt;
    fs::last_write_time(path, fs::file_time_type::clock::now(), failed);  // it was used
    return bytes;
  } catch (const Error&) {
    return std::nullopt;
  }
}

void BlobCache::keep(std::string_view key, std::string_view bytes) const {
  try {
    make_folder(folder_);
    remove_leftovers(folder_);
    AtomicFile file(file_of(key));
    file.write(sha256_hex(bytes));
    file.write(bytes);
    file.commit();
    remove_oldest();
  } catch (const Error&) {
    // See above.
  }
}

void BlobCache::remove_oldest() const {
  struct Kept {
    fs::path path;
    fs::file_time_type used;
    uint64_t bytes;
  };
  std::vector<Kept> all;
  uint64_t sum = 0;
  std::error_code failed;
  for (const fs::path& path :
       list_files(folder_, [](const fs::path& path) { return path.extension() == kEnding; })) {
    const uint64_t bytes = fs::file_size(path, failed);
    if (failed) continue;  // another process has removed it
    all.push_back({path, fs::last_write_time(path, failed), bytes});
    sum += bytes;
  }
  std::sort(all.begin(), all.end(), [](const Kept& a, const Kept& b) { return a.used < b.used; });
  for (const Kept& oldest : all) {
    if (sum <= most_bytes_) return;
    fs::remove(oldest.path, failed);
    sum -= oldest.bytes;
  }
}

}  // namespace koi::base
