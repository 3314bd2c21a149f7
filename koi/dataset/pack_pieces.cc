#include "koi/dataset/pack_pieces.h"

#include <sys/stat.h>

#include <memory>
#include <optional>

#include "koi/base/bytes.h"
#include "koi/base/error.h"
#include "koi/base/hash.h"
#include "koi/base/leftovers.h"
#include "koi/base/parallel.h"
#include "koi/base/version.h"

namespace koi::dataset {
namespace {

namespace fs = base::fs;

// No search for shards finds what is in it.
constexpr const char* kFolder = ".koi-pieces";

void append_text(std::string& out, std::string_view text) {
  base::append_bytes(out, static_cast<uint64_t>(text.size()));
  out += text;
}

// Changes whenever the file does.
void append_state(std::string& out, const fs::path& path) {
  struct stat status {};
  const bool is_there = ::stat(path.c_str(), &status) == 0;
  base::append_bytes(out, is_there ? static_cast<int64_t>(status.st_size) : -1);
  base::append_bytes(out, is_there ? static_cast<int64_t>(status.st_mtim.tv_sec) : 0);
  base::append_bytes(out, is_there ? static_cast<int64_t>(status.st_mtim.tv_nsec) : 0);
}

std::string state_of(const PackEntry& entry, const PackOptions& options) {
  std::string state;
  append_text(state, entry.codes.native());
  append_state(state, entry.codes);
  append_state(state, alignment_path(entry));
  for (const fs::path& path : shifted_paths(entry)) append_state(state, path);
  if (entry.text) {
    append_text(state, *entry.text);
  } else {
    for (const fs::path& path : transcript_paths(entry, options)) append_state(state, path);
  }
  return state;
}

// Entries out of the bytes of several pieces.
class PieceReader {
 public:
  explicit PieceReader(std::vector<fs::path> pieces) : pieces_(std::move(pieces)) {}

  PackedEntry next() {
    while (!reader_ || reader_->at_end()) {
      if (opened_ == pieces_.size()) {
        throw Error(ErrorKind::corrupt, pieces_.back().string(), "holds too few entries",
                    "remove it and run koi build-dataset again");
      }
      file_ = base::MappedFile::open(pieces_[opened_]);
      reader_.emplace(file_->bytes(), pieces_[opened_].string());
      ++opened_;
    }
    PackedEntry entry;
    const auto outcome = reader_->read<uint8_t>();
    if (outcome > static_cast<uint8_t>(PackedEntry::Outcome::no_codes))
      reader_->fail("is no piece of a data set", "remove it and run koi build-dataset again");
    entry.outcome = static_cast<PackedEntry::Outcome>(outcome);
    entry.frames = reader_->read<uint64_t>();
    entry.bytes = reader_->take(reader_->read<uint32_t>());
    return entry;
  }

 private:
  std::vector<fs::path> pieces_;
  size_t opened_ = 0;
  std::shared_ptr<const base::MappedFile> file_;
  std::optional<base::ByteReader> reader_;
};

}  // namespace

std::string pack_fingerprint(const std::vector<PackGroup>& groups, const PackOptions& options) {
  std::string all;
  append_text(all, base::version());
  base::append_bytes(all, static_cast<int32_t>(options.rules));
  base::append_bytes(all, static_cast<int32_t>(options.numbers));
  base::append_bytes(all, options.shard_size_mib);
  for (const std::string& extension : options.text_extensions) append_text(all, extension);
  for (const PackGroup& group : groups) {
    append_text(all, group.source);
    append_text(all, group.name);
    std::vector<std::string> states(group.entries.size());
    base::parallel_for(states.size(), options.num_workers, [&](size_t i) {
      states[i] = base::sha256_hex(state_of(group.entries[i], options));
    });
    stop_packing_if_asked(options);  // some states may be missing
    for (const std::string& state : states) all += state;
  }
  return base::sha256_hex(all);
}

PackPieces::PackPieces(const fs::path& output, std::string fingerprint, size_t count)
    : folder_(output / kFolder), fingerprint_(std::move(fingerprint)), count_(count) {
  base::make_folder(folder_);
  base::remove_leftovers(folder_);
  for (const fs::path& path : base::list_files(folder_, [&](const fs::path& file) {
         const std::string name = file.filename().string();
         return !name.starts_with('.') &&
                !name.starts_with(fingerprint_ + "-of-" + std::to_string(count_) + "-");
       })) {
    std::error_code ignored;
    fs::remove(path, ignored);
  }
}

fs::path PackPieces::path(size_t piece) const {
  return folder_ / (fingerprint_ + "-of-" + std::to_string(count_) + "-" + std::to_string(piece));
}

bool PackPieces::has(size_t piece) const {
  std::error_code ignored;
  return fs::is_regular_file(path(piece), ignored);
}

size_t PackPieces::missing() const {
  size_t missing = 0;
  for (size_t piece = 0; piece < count_; ++piece) missing += has(piece) ? 0 : 1;
  return missing;
}

void PackPieces::write(size_t piece, size_t entries, const PackedSource& next) const {
  base::AtomicFile file(path(piece));
  for (size_t i = 0; i < entries; ++i) {
    const PackedEntry entry = next();
    std::string head;
    base::append_bytes(head, static_cast<uint8_t>(entry.outcome));
    base::append_bytes(head, entry.frames);
    base::append_bytes(head, static_cast<uint32_t>(entry.bytes.size()));
    file.write(head);
    file.write(entry.bytes);
  }
  file.commit();
}

PackedSource PackPieces::read(size_t begin, size_t end) const {
  std::vector<fs::path> paths;
  for (size_t piece = begin; piece < end; ++piece) paths.push_back(path(piece));
  const auto reader = std::make_shared<PieceReader>(std::move(paths));
  return [reader] { return reader->next(); };
}

void PackPieces::remove(const fs::path& output) {
  std::error_code ignored;
  fs::remove_all(output / kFolder, ignored);
}

}  // namespace koi::dataset
