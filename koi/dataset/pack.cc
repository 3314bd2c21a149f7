#include "koi/dataset/pack.h"

#include <algorithm>

#include "koi/base/error.h"
#include "koi/base/folder_lock.h"
#include "koi/base/parallel.h"
#include "koi/dataset/pack_entry.h"
#include "koi/dataset/pack_pieces.h"
#include "koi/dataset/shard.h"
#include "koi/dataset/shard_folder.h"

namespace koi::dataset {
namespace {

namespace fs = base::fs;

bool is_shard(const fs::path& path) {
  return path.extension() == ".protos" || path.extension() == ".proto";
}

// Eight digits and .protos: a name that packing gives.
bool is_packed_shard(const fs::path& path) {
  const std::string stem = path.stem().string();
  return path.extension() == ".protos" && stem.size() == 8 &&
         std::all_of(stem.begin(), stem.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// What a part of the entries came to.
struct Tally {
  uint64_t sentences = 0;
  uint64_t frames = 0;
  std::vector<PackFailure> failures;

  void add(const PackEntry& entry, const PackedEntry& packed) {
    const bool sound = packed.outcome == PackedEntry::Outcome::packed;
    sentences += sound ? 1 : 0;
    frames += packed.frames;
    if (!sound) failures.push_back({entry.codes.string(), packed.bytes});
  }
};

class Packer {
 public:
  Packer(const PackOptions& options, const PackListener& listener)
      : options_(options), listener_(listener) {
    for (std::string& extension : options_.text_extensions) {
      if (!extension.starts_with('.')) extension.insert(0, ".");
    }
    options_.num_workers = std::min(options_.num_workers, base::usable_cores());
  }

  PackReport run() {
    if (options_.inputs.empty())
      throw Error(ErrorKind::usage, "input", "is missing", "name a folder or a file list");
    read_inputs();
    if (!options_.share.is_whole()) return run_share();
    EntryReader reader(groups_, {0, count_entries(groups_)}, options_, listener_.progress);
    return make_shards([&reader] { return reader.next(); });
  }

 private:
  void read_inputs() {
    for (const fs::path& input : options_.inputs) {
      std::vector<PackGroup> more = read_input(
          input, options_, [this](const PackFailure& failure) { listed_.push_back(failure); });
      std::move(more.begin(), more.end(), std::back_inserter(groups_));
    }
  }

  // Packs a part, unless an earlier run has, and makes the shards if it is the last.
  PackReport run_share() {
    const base::Share& share = options_.share;
    const PackPieces pieces(options_.output, pack_fingerprint(groups_, options_), share.ranks);
    Tally tally;
    try {
      tally = pack_part(pieces);
    } catch (const Error& error) {
      // All processes were started again, and another one has just made the shards of what was
      // there.
      if (error.kind() != ErrorKind::not_found || fs::exists(pieces.folder())) throw;
    }
    // Who wrote the last piece finds all of them; who finds all and has the lock makes the shards.
    base::FolderLock lock;
    if (pieces.missing() > 0 || !lock.try_lock_file(pieces.folder()) || pieces.missing() > 0)
      return report_part(pieces, tally);
    return make_shards(pieces.read(0, share.ranks));
  }

  Tally pack_part(const PackPieces& pieces) {
    const base::Share& share = options_.share;
    const size_t total = count_entries(groups_);
    const EntryRange part{total * share.rank / share.ranks, total * (share.rank + 1) / share.ranks};
    std::vector<const PackEntry*> entries;
    for (const PackGroup& group : groups_)
      for (const PackEntry& entry : group.entries) entries.push_back(&entry);
    Tally tally;
    auto entry = entries.begin() + static_cast<ptrdiff_t>(part.begin);
    const auto tallied = [&](PackedEntry packed) {
      tally.add(**entry++, packed);
      return packed;
    };
    if (pieces.has(share.rank)) {
      const PackedSource next = pieces.read(share.rank, share.rank + 1);
      for (size_t i = 0; i < part.size(); ++i) tallied(next());
    } else {
      EntryReader reader(groups_, part, options_, listener_.progress);
      pieces.write(share.rank, part.size(), [&] { return tallied(reader.next()); });
    }
    return tally;
  }

  PackReport report_part(const PackPieces& pieces, const Tally& tally) {
    report_.is_part = true;
    // The folder is gone once another process has made the shards.
    report_.missing_parts = fs::exists(pieces.folder()) ? pieces.missing() : 0;
    report_.sentences = tally.sentences;
    report_.frames = tally.frames;
    for (const PackFailure& failure : tally.failures) fail(failure);
    return std::move(report_);
  }

  // Of all entries, which `next` gives in their order.
  PackReport make_shards(const PackedSource& next) {
    const bool repaired = options_.rules == TextRules::repaired;
    for (const PackFailure& failure : listed_) fail(failure);
    ShardFolder folder(options_.output, options_.shard_size_mib << 20);
    for (const PackGroup& group : groups_) write_record(group, next, folder);
    if (repaired && report_.sentences == 0) refuse_empty();
    if (repaired) report_.removed = stale_shards(options_.output);
    report_.shards = folder.commit(report_.removed);
    PackPieces::remove(options_.output);
    return std::move(report_);
  }

  // Only the reference writes a record without sentences, of a group that has words at least.
  void write_record(const PackGroup& group, const PackedSource& next, ShardFolder& folder) {
    bool begun = false, has_words = false;
    const auto begin = [&] {
      folder.begin_record();
      folder.append(record_head(group.source, group.name));
      begun = true;
    };
    for (const PackEntry& entry : group.entries) {
      const PackedEntry packed = next();
      has_words = has_words || packed.outcome != PackedEntry::Outcome::no_text;
      if (packed.outcome != PackedEntry::Outcome::packed) {
        fail({entry.codes.string(), packed.bytes});
        continue;
      }
      if (!begun) begin();
      folder.append(packed.bytes);
      ++report_.sentences;
      report_.frames += packed.frames;
    }
    if (!begun && has_words && options_.rules == TextRules::reference) begin();
    if (!begun) return;
    report_.bytes += folder.end_record(group.name);
    ++report_.records;
  }

  void fail(const PackFailure& failure) {
    ++report_.failures;
    if (listener_.failed) listener_.failed(failure);
  }

  [[noreturn]] void refuse_empty() const {
    const std::string what = report_.failures == 0
                                 ? "there is nothing to pack"
                                 : "nothing is left to pack, " + std::to_string(report_.failures) +
                                       " files were left out";
    throw Error(ErrorKind::corrupt, options_.inputs.front().string(), what,
                "give a folder with .npy files (koi extract-vq makes them), transcripts beside "
                "them, and the transcripts' --text-extension");
  }

  PackOptions options_;
  const PackListener& listener_;
  PackReport report_;
  std::vector<PackGroup> groups_;
  std::vector<PackFailure> listed_;  // failures of the inputs themselves
};

}  // namespace

PackReport pack_dataset(const PackOptions& options, const PackListener& listener) {
  return Packer(options, listener).run();
}

std::vector<fs::path> stale_shards(const fs::path& output) {
  std::error_code ignored;
  if (!fs::is_directory(output, ignored)) return {};
  return base::list_files(output, is_packed_shard, /*recursive=*/false);
}

std::vector<fs::path> foreign_shards(const fs::path& output) {
  std::error_code ignored;
  if (!fs::is_directory(output, ignored)) return {};
  std::vector<fs::path> shards = base::list_files(output, is_shard);
  std::erase_if(shards, [&](const fs::path& path) {
    return path == output / path.filename() && is_packed_shard(path);
  });
  return shards;
}

}  // namespace koi::dataset
