#include "cli/codec_flags.h"

namespace koi::cli {

void CodecFlags::add_to(CLI::App* command) {
  command
      ->add_option("--config-name", config_name,
                   "the codec's sizes: NAME.yaml beside the checkpoint, or a .yaml file")
      ->capture_default_str();
  command->add_option("--checkpoint-path", checkpoint, "the codec's .pth")->capture_default_str();
  device_.add_to(command);
}

codec::Firefly CodecFlags::load(const base::Launch& launch) const {
  const at::Device device = device_.apply(launch);
  return codec::load_firefly(checkpoint, codec::config_for(checkpoint, config_name),
                             {.dtype = at::kFloat, .device = device});
}

}  // namespace koi::cli
