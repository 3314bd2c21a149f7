#pragma once

#include <string>
#include <utility>
#include <vector>

#include "koi/train/settings.h"

namespace koi::train {

// The settings that say most about a run, under their keys in the configuration, as text.
std::vector<std::pair<std::string, std::string>> main_settings(const Settings& settings);

}  // namespace koi::train
