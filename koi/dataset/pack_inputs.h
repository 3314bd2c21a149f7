// What the inputs of the packer name: codes files and their transcripts, grouped by speaker.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "koi/base/files.h"
#include "koi/dataset/pack.h"

namespace koi::dataset {

struct PackEntry {
  base::fs::path codes;
  std::optional<std::string> text{};  // of a file list's line; else it stands beside the codes
};

// The entries of one record.
struct PackGroup {
  std::string source;
  std::string name;
  std::vector<PackEntry> entries;
};

using FailureSink = std::function<void(const PackFailure&)>;

// The groups of one input (see pack_dataset), in the order of their first entries. Of a folder only
// the names are read.
std::vector<PackGroup> read_input(const base::fs::path& input, const PackOptions& options,
                                  const FailureSink& failed);

// Where the transcripts of a folder's entry are.
std::vector<base::fs::path> transcript_paths(const PackEntry& entry, const PackOptions& options);

// Where the alignment of its codes with the text is, if there is one.
base::fs::path alignment_path(const PackEntry& entry);

// The shifted codes of an entry that are there (koi extract-vq --shifts).
std::vector<base::fs::path> shifted_paths(const PackEntry& entry);

// The words of an entry, cleaned, in each spelling. Throws as read_transcript().
std::vector<std::string> read_texts(const PackEntry& entry, const PackOptions& options);

}  // namespace koi::dataset
