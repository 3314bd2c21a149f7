#include "koi/dataset/shard_folder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <sstream>

#include "koi/base/error.h"
#include "koi/dataset/shard.h"

namespace koi::dataset {
namespace {

namespace fs = base::fs;

// Inside the output: shards that do not count yet (or any more), and shards that count already and
// are being put in place. There they have their number as name.
constexpr const char* kCollected = ".koi-collected-shards";
constexpr const char* kSwitching = ".koi-switching-shards";
constexpr const char* kOldNames = "old";  // in both: the shards to be replaced, a name a line

std::string number_of(size_t shard) { return fmt::format("{:08d}", shard); }

void move_to(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) throw Error(ErrorKind::io, to.string(), "cannot be put in place: " + error.message());
}

void remove_old(const fs::path& path) {
  std::error_code error;
  fs::remove(path, error);
  if (error) {
    throw Error(ErrorKind::io, path.string(),
                "the old shard cannot be removed: " + error.message());
  }
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

}  // namespace

ShardFolder::ShardFolder(base::fs::path output, uint64_t shard_bytes)
    : output_(std::move(output)), shard_bytes_(shard_bytes) {
  made_output_ = !is_there(output_);
  base::make_folder(output_);
  if (!lock_.try_lock(output_)) {
    throw Error(ErrorKind::io, output_.string(), "another koi build-dataset writes to it",
                "wait until it has ended");
  }
  try {
    if (is_there(output_ / kSwitching)) finish_switch();
    fs::remove_all(output_ / kCollected);
    base::make_folder(output_ / kCollected);
  } catch (const fs::filesystem_error& error) {
    throw Error(ErrorKind::io, output_.string(), "cannot be written to: " + error.code().message());
  }
}

ShardFolder::~ShardFolder() {
  shard_.reset();
  std::error_code ignored;
  fs::remove_all(output_ / kCollected, ignored);
  if (made_output_) fs::remove(output_, ignored);  // only if it is empty
}

void ShardFolder::begin_record() {
  if (!shard_)
    shard_ = std::make_unique<base::AtomicFile>(output_ / kCollected / number_of(finished_));
  record_begin_ = shard_->position();
  shard_->write(record_length(0, ""));
}

void ShardFolder::append(std::string_view message) { shard_->write(message); }

uint64_t ShardFolder::end_record(const std::string& speaker) {
  const uint64_t bytes = shard_->position() - record_begin_;
  const std::string length = record_length(bytes - sizeof(uint32_t), speaker);
  if (::pwrite(shard_->descriptor(), length.data(), length.size(),
               static_cast<off_t>(record_begin_)) != static_cast<ssize_t>(length.size()))
    throw Error(ErrorKind::io, output_.string(), "a shard cannot be written");
  if (shard_->position() > shard_bytes_) finish_shard();
  return bytes;
}

void ShardFolder::finish_shard() {
  shard_->commit();
  shard_.reset();
  ++finished_;
}

std::vector<fs::path> ShardFolder::commit(const std::vector<fs::path>& stale) {
  if (shard_) finish_shard();
  std::string old_names;
  for (const fs::path& path : stale) old_names += path.filename().string() + "\n";
  base::write_file(output_ / kCollected / kOldNames, old_names);
  move_to(output_ / kCollected, output_ / kSwitching);
  base::sync_folder(output_);
  return finish_switch();
}

// Goes on wherever it was broken off: the shards move in their order, so the old ones are gone when
// the first one has moved.
std::vector<fs::path> ShardFolder::finish_switch() {
  const fs::path from = output_ / kSwitching;
  if (is_there(from / number_of(0))) {
    std::istringstream old_names(base::read_file(from / kOldNames));
    for (std::string name; std::getline(old_names, name);)
      remove_old(output_ / fs::path(name).filename());
    base::sync_folder(output_);
  }
  std::vector<fs::path> shards;
  for (const fs::path& path :
       base::list_files(from, [](const fs::path& file) { return file.filename() != kOldNames; })) {
    shards.push_back(output_ / (path.filename().string() + ".protos"));
    move_to(path, shards.back());
  }
  base::sync_folder(output_);
  move_to(from, output_ / kCollected);  // settled; what is left in it is of no use
  base::sync_folder(output_);
  std::error_code ignored;
  fs::remove_all(output_ / kCollected, ignored);
  return shards;
}

void require_settled(const fs::path& folder) {
  if (!is_there(folder / kSwitching)) return;
  throw Error(ErrorKind::io, folder.string(),
              "koi build-dataset was killed while it put its shards in place",
              "run it again, which finishes that");
}

}  // namespace koi::dataset
