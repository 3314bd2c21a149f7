#include "koi/dataset/pack.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "koi/base/error.h"
#include "koi/base/interrupt.h"
#include "koi/base/parallel.h"
#include "koi/checkpoint/elements.h"
#include "koi/checkpoint/npy.h"
#include "koi/dataset/pack_inputs.h"
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

// Codes as a record stores them: uint32, where checkpoint::read_codes stops at 2^31 - 1.
CodeRows read_code_rows(const fs::path& path, TextRules rules) {
  const std::string where = path.string();
  const checkpoint::TensorView array = checkpoint::read_npy(path);
  const auto refuse = [&](const std::string& what) {
    throw Error(
        ErrorKind::corrupt, where, what,
        "codes are whole numbers from 0 in a [codebooks, frames] array; run koi extract-vq");
  };
  constexpr int64_t kMaxCodebooks = 1024;  // a [10^9, 0] array is small as a file
  if (array.shape.size() != 2 || array.shape[0] > kMaxCodebooks)
    refuse("has the shape " + checkpoint::shape_text(array.shape));
  if (array.dtype == checkpoint::DType::boolean) refuse("holds truth values");
  if (rules == TextRules::repaired && array.numel() == 0) refuse("holds no frames");
  const auto frames = static_cast<size_t>(array.shape[1]);
  CodeRows rows(static_cast<size_t>(array.shape[0]));
  const std::vector<double> values = checkpoint::to_doubles(array);
  auto value = values.begin();
  for (std::vector<uint32_t>& row : rows) {
    row.reserve(frames);
    for (size_t frame = 0; frame < frames; ++frame, ++value) {
      // Written so that a NaN is refused too.
      const bool sound = *value >= 0 && *value <= std::numeric_limits<uint32_t>::max();
      if (!sound || std::trunc(*value) != *value)
        refuse("holds the code " + std::to_string(*value));
      row.push_back(static_cast<uint32_t>(*value));
    }
  }
  return rows;
}

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
    const bool repaired = options_.rules == TextRules::repaired;
    const std::vector<PackGroup> groups = read_inputs();
    uint64_t total = 0;
    for (const PackGroup& group : groups) total += group.entries.size();

    ShardFolder folder(options_.output, options_.shard_size_mib << 20);
    uint64_t done = 0;
    for (const PackGroup& group : groups) {
      const TextData record = read_group(group);
      done += group.entries.size();
      if (listener_.progress) listener_.progress(done, total);
      if (repaired && record.sentences.empty()) continue;
      const std::string bytes = record_bytes(record);
      folder.add(bytes);
      count(record, bytes.size());
    }
    if (repaired && report_.sentences == 0) refuse_empty();
    if (repaired) report_.removed = stale_shards(options_.output);
    report_.shards = folder.commit(report_.removed);
    return std::move(report_);
  }

 private:
  std::vector<PackGroup> read_inputs() {
    std::vector<PackGroup> groups;
    for (const fs::path& input : options_.inputs) {
      std::vector<PackGroup> more =
          read_input(input, options_, [this](const PackFailure& failure) { fail(failure); });
      std::move(more.begin(), more.end(), std::back_inserter(groups));
    }
    stop_if_interrupted();
    return groups;
  }

  TextData read_group(const PackGroup& group) {
    struct Read {
      CodeRows codes;
      std::optional<std::string> reason;
    };
    std::vector<Read> reads(group.entries.size());
    base::parallel_for(reads.size(), options_.num_workers, [&](size_t i) {
      try {
        reads[i].codes = read_code_rows(group.entries[i].codes, options_.rules);
      } catch (const Error& error) {
        reads[i].reason = error.what();
      }
    });
    stop_if_interrupted();

    TextData record{group.source, group.name, {}};
    for (size_t i = 0; i < reads.size(); ++i) {
      if (reads[i].reason) {
        fail({group.entries[i].codes.string(), *reads[i].reason});
      } else {
        record.sentences.push_back({group.entries[i].texts, std::move(reads[i].codes)});
      }
    }
    return record;
  }

  void count(const TextData& record, size_t bytes) {
    ++report_.records;
    report_.bytes += bytes;
    report_.sentences += record.sentences.size();
    for (const Sentence& sentence : record.sentences) {
      if (!sentence.codes.empty()) report_.frames += sentence.codes.front().size();
    }
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

  void stop_if_interrupted() const {
    if (!base::stop_requested()) return;
    throw base::Interrupted(options_.output.string(), "is as it was, nothing is packed yet",
                            "the same command begins anew");
  }

  PackOptions options_;
  const PackListener& listener_;
  PackReport report_;
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
