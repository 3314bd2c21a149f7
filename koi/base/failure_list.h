// What a command could not do: counted by reason, and listed in a file beside its results.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "koi/base/files.h"
#include "koi/base/share.h"

namespace koi::base {

struct Failure {
  std::string path;     // a file, or "x.list, line 3"
  std::string message;  // one line, as an Error's: the place, what is wrong, what to do
};

// Of the message what is wrong, without place, details and remedy: "is too short".
std::string short_reason(const Failure& failure);

// How many have each short reason; the most frequent one first, equally frequent ones by name.
std::vector<std::pair<std::string, size_t>> count_reasons(const std::vector<Failure>& failures);

// folder/koi-failures-COMMAND.tsv, or koi-failures-COMMAND-RANK-of-RANKS.tsv where the work is
// shared.
fs::path failure_list_path(const fs::path& folder, const std::string& command, const Share& share);

// Writes failure_list_path(): a line a failure, its path, a tab, the message without it (UTF-8,
// control characters made visible). Lists of earlier runs of the command go, except those that the
// other ranks may have written. Returns the list's path, empty where nothing failed. Throws
// Error(io).
fs::path write_failure_list(const fs::path& folder, const std::string& command, const Share& share,
                            const std::vector<Failure>& failures);

// Is it called like such a list? It belongs to no data then.
bool is_failure_list(const fs::path& path);

}  // namespace koi::base
