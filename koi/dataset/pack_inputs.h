// What the inputs of the packer name: codes files and their transcripts, grouped by speaker.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "koi/base/files.h"
#include "koi/dataset/pack.h"

namespace koi::dataset {

struct PackEntry {
  base::fs::path codes;
  std::vector<std::string> texts;
};

// The entries of one record.
struct PackGroup {
  std::string source;
  std::string name;
  std::vector<PackEntry> entries;
};

using FailureSink = std::function<void(const PackFailure&)>;

// The groups of one input (see pack_dataset), without those whose files all failed.
std::vector<PackGroup> read_input(const base::fs::path& input, const PackOptions& options,
                                  const FailureSink& failed);

}  // namespace koi::dataset
