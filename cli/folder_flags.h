// What the commands share that turn a folder of recordings into another one.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "koi/audio/convert_folder.h"

namespace koi::cli {

struct FolderFlags {
  std::string input;
  std::string output;
  audio::FolderOptions options;
  bool json = false;

  // IN, OUT, --recursive, --overwrite, --clean, --num-workers and --json.
  void add_to(CLI::App* command);
};

// A number that only this command counts: its key in the JSON, its words in the summary's line,
// where it stands if it is not 0.
struct FolderCount {
  std::string key;
  std::string words;
  size_t count;
};

struct FolderSummary {
  audio::FolderReport report;
  std::vector<FolderCount> counts;
};

// Takes this process's share of the folder, runs `convert` under a progress bar and ends as
// finish() does. `convert` hands each finished file to the function that it is given.
using OnFile = std::function<void(const audio::FileResult&)>;
int run_folder(const std::string& command, FolderFlags& flags,
               const std::function<FolderSummary(const OnFile&)>& convert);

}  // namespace koi::cli
