// --lora and --lora-config: adapters and the settings of their training.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "koi/lm/adapters.h"

namespace koi::cli {

// The path in PATH or PATH:WEIGHT.
base::fs::path lora_path(const std::string& text);

struct LoraFlags {
  std::vector<std::string> adapters;  // PATH or PATH:WEIGHT

  // --lora, --lora-weight and --lora-config.
  void add_to(CLI::App* command, const std::string& help);
  // The files. Warns on standard error of those that do not say their base. Throws Error(usage) for
  // a weight of 0 and Error(config) for an unknown --lora-config, or one that contradicts a file.
  std::vector<lm::WeightedAdapter> load() const;

 private:
  std::string config_name_;  // empty: what a file says, else lm::LoraConfig's defaults
};

}  // namespace koi::cli
