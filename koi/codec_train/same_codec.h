// Weights belong to the settings of the codec that they were learnt with, those too that show in no
// shape: rates, levels, dilations.
#pragma once

#include <string>

#include "koi/codec/config.h"

namespace koi::codec_train {

// `yaml`: codec::config_yaml() of the weights in `where`. Throws Error(config) naming the first key
// that differs.
void require_same_codec(const codec::FireflyConfig& config, const std::string& yaml,
                        const std::string& where);

}  // namespace koi::codec_train
