// --lora-weight and --lora-config: an adapter and its settings.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "koi/lm/lora.h"

namespace koi::cli {

struct LoraFlags {
  std::string weight;  // a .ckpt or .pth; empty: none
  std::string config_name = "r_8_alpha_16";

  void add_to(CLI::App* command);
  // configs/lora/NAME.yaml. Throws Error(config) for a name that is not there, naming those that
  // are.
  lm::LoraConfig config() const;
};

}  // namespace koi::cli
