// What several processes have packed of one data set, each a part of its entries: files that lie in
// a hidden folder of the output until all are there and become shards.
#pragma once

#include <string>
#include <vector>

#include "koi/dataset/pack_entry.h"

namespace koi::dataset {

// Equal for processes that pack the same: options, names, sizes and times of all files. Throws
// base::Interrupted when stop_requested().
std::string pack_fingerprint(const std::vector<PackGroup>& groups, const PackOptions& options);

class PackPieces {
 public:
  // Of `count` pieces. Makes the folder; pieces of other fingerprints, and what killed processes
  // left in it, go. Throws Error(io).
  PackPieces(const base::fs::path& output, std::string fingerprint, size_t count);

  const base::fs::path& folder() const { return folder_; }
  size_t missing() const;
  bool has(size_t piece) const;

  // Writes a piece of so many entries, whole or not at all. Throws Error(io) and what `next`
  // throws.
  void write(size_t piece, size_t entries, const PackedSource& next) const;

  // The entries of the pieces `begin` .. `end` - 1 in their order. What it gives throws
  // Error(not_found) for a missing piece, Error(corrupt) for a damaged one and behind the last.
  PackedSource read(size_t begin, size_t end) const;

  // Of an output, whatever they are of.
  static void remove(const base::fs::path& output);

 private:
  base::fs::path path(size_t piece) const;

  base::fs::path folder_;
  std::string fingerprint_;
  size_t count_;
};

}  // namespace koi::dataset
