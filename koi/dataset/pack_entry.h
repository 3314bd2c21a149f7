// Entries of the packer's inputs, read and turned into what a record holds of them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "koi/dataset/pack_inputs.h"

namespace koi::dataset {

struct PackedEntry {
  enum class Outcome : uint8_t { packed, no_text, no_codes };
  Outcome outcome = Outcome::packed;
  uint64_t frames = 0;
  std::string bytes;  // sentence_bytes(); why there is none where it failed
};

// Gives one entry after the other.
using PackedSource = std::function<PackedEntry()>;

// Some of the entries of all groups, one group behind the other.
struct EntryRange {
  size_t begin = 0, end = 0;
  size_t size() const { return end - begin; }
};

// Throws base::Interrupted when stop_requested().
void stop_packing_if_asked(const PackOptions& options);

size_t count_entries(const std::vector<PackGroup>& groups);

// Reads a range of entries in its order, on several threads, some hundred ahead of what was asked
// for: no more are in memory.
class EntryReader {
 public:
  // `groups`, `options` and `progress` (see PackListener) must outlive it.
  EntryReader(const std::vector<PackGroup>& groups, EntryRange range, const PackOptions& options,
              const std::function<void(uint64_t, uint64_t, uint64_t)>& progress);

  // The next entry; there must be one. Throws base::Interrupted when stop_requested().
  PackedEntry next();

 private:
  struct Job {
    const PackGroup* group;
    const PackEntry* entry;
  };
  void read_ahead();
  PackedEntry read(const Job& job) const;

  const PackOptions& options_;
  const std::function<void(uint64_t, uint64_t, uint64_t)>& progress_;
  std::vector<Job> jobs_;
  size_t ahead_ = 0;  // jobs that were read
  std::vector<PackedEntry> packed_;
  size_t taken_ = 0;  // of packed_
  uint64_t frames_ = 0;
};

}  // namespace koi::dataset
