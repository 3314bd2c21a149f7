// --device and --threads, which every model command takes.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "koi/base/launch.h"
#include "koi/tensor/torch.h"

namespace koi::cli {

struct DeviceFlags {
  std::string device = "auto";
  int threads = 0;

  void add_to(CLI::App* command);
  // Sets the threads and gives the device. Of several ranks each has by default its share of the
  // machine's cores, where the launcher tells how many they are there, and the GPU of its number.
  at::Device apply(const base::Launch& launch = {}) const;
};

}  // namespace koi::cli
