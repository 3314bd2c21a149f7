#include "cli/lora_flags.h"

#include "koi/config/compose.h"
#include "koi/config/reader.h"

namespace koi::cli {

void LoraFlags::add_to(CLI::App* command) {
  command->add_option("--lora-weight", weight, "adapter to speak with (.ckpt of a training run)");
  command->add_option("--lora-config", config_name, "settings the adapter was trained with")
      ->capture_default_str();
}

lm::LoraConfig LoraFlags::config() const {
  const config::Node file = config::load_file("lora/" + config_name);
  config::Reader reader(file);
  lm::LoraConfig result;
  reader.read("r", result.r);
  reader.read("lora_alpha", result.alpha);
  reader.read("lora_dropout", result.dropout);
  return result;
}

}  // namespace koi::cli
