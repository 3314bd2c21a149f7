#include "koi/train/lora_settings.h"

namespace koi::train {

lm::LoraConfig read_lora(config::Reader& reader, const std::string& prefix) {
  lm::LoraConfig lora;
  reader.read(prefix + "r", lora.r);
  reader.read(prefix + "lora_alpha", lora.alpha);
  reader.read(prefix + "lora_dropout", lora.dropout);
  reader.read_optional(prefix + "targets", lora.targets);
  reader.read_optional(prefix + "use_rslora", lora.use_rslora);
  return lora;
}

}  // namespace koi::train
