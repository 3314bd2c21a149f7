// The files of configs/, put into the program when it is built.
#pragma once

#include <string_view>
#include <vector>

namespace koi::config {

struct EmbeddedFile {
  std::string_view name;  // below configs/: "base.yaml", "lora/r_8_alpha_16.yaml"
  std::string_view text;
};

const std::vector<EmbeddedFile>& embedded_files();  // sorted by name

}  // namespace koi::config
