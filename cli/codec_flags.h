// Which codec, and where it computes: what extract-vq and codec share.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "cli/device_flags.h"
#include "koi/checkpoint/codec_file.h"
#include "koi/codec/firefly.h"

namespace koi::cli {

struct CodecFlags {
  std::string config_name = codec::kConfigName;
  std::string checkpoint =
      std::string("checkpoints/fish-speech-1.4/") + checkpoint::kPublishedCodec;

  void add_to(CLI::App* command);
  // Applies --device and --threads, see DeviceFlags.
  codec::Firefly load(const base::Launch& launch = {}) const;

 private:
  DeviceFlags device_;
};

}  // namespace koi::cli
