// The keys of a LoRA configuration (configs/lora/NAME.yaml).
#pragma once

#include <string>

#include "koi/config/reader.h"
#include "koi/lm/lora.h"

namespace koi::train {

// r, lora_alpha, lora_dropout, and koi's own targets and use_rslora, which may be absent, behind
// `prefix` ("model.model.lora_config."). Throws as Reader.
lm::LoraConfig read_lora(config::Reader& reader, const std::string& prefix);

}  // namespace koi::train
