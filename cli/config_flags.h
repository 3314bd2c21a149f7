// What the commands that train share: a configuration out of files and overrides.
#pragma once

#include <CLI/CLI.hpp>
#include <set>
#include <string>
#include <vector>

#include "koi/config/compose.h"

namespace koi::cli {

struct ConfigFlags {
  std::string config_name;  // by default; NAME of NAME.yaml
  std::string config_dir = {};
  std::string show = {};     // --cfg
  std::string package = {};  // -p
  bool resolve = false;
  std::vector<std::string> overrides = {};

  void add_to(CLI::App* command);
  // What CLI11 leaves over of the parsed command: the overrides, and -cn, Hydra's short form of
  // --config-name. To be called before the others. Throws Error(usage).
  void take_rest(const CLI::App& command);

  config::Composition compose() const;
  // For --cfg: prints the configuration, or its part, on stdout; false where nobody asked for it.
  bool print(const config::Composition& composition) const;
  // A line on stderr for each override whose key is not among `asked`.
  void note_unread(const config::Composition& composition,
                   const std::set<std::string>& asked) const;
};

}  // namespace koi::cli
