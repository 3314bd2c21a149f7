// What each key of a training configuration means, for `koi train --help-config`.
#pragma once

#include <string>
#include <vector>

#include "koi/config/node.h"

namespace koi::train {

struct SettingHelp {
  std::string key;
  std::string type;           // "integer", "text", ...
  std::string default_value;  // as YAML in one line; "none" for a key that may be added with +
  std::string unit;           // may be empty
  std::string meaning;
};

// All keys of `config` (a composed configuration, unresolved) in its order, then those that may be
// added. Keys without an entry in the table come with an empty meaning; a test sees that the
// built-in configurations have none.
std::vector<SettingHelp> describe_settings(const config::Node& config);

// For a terminal: a line with key, type, default and unit, and an indented one with the meaning.
std::string print_settings(const std::vector<SettingHelp>& settings);

}  // namespace koi::train
