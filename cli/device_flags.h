// --device and --threads, which every model command takes.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "koi/tensor/torch.h"

namespace koi::cli {

struct DeviceFlags {
  std::string device = "auto";
  int threads = 0;

  void add_to(CLI::App* command);
  // Sets the threads and gives the device.
  at::Device apply() const;
};

}  // namespace koi::cli
