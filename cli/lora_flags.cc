#include "cli/lora_flags.h"

#include <charconv>
#include <cmath>
#include <cstdio>

#include "koi/base/error.h"
#include "koi/config/compose.h"
#include "koi/train/lora_settings.h"

namespace koi::cli {
namespace {

struct Named {
  base::fs::path path;
  double weight = 1;
};

// "a.ckpt:0.7" -> a.ckpt, 0.7. A file whose own name ends like that is taken as it is.
Named split_weight(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || base::fs::exists(text)) return {text};
  Named named{text.substr(0, colon)};
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data() + colon + 1, end, named.weight);
  if (read.ec != std::errc() || read.ptr != end) return {text};
  if (!std::isfinite(named.weight) || named.weight == 0) {
    throw Error(ErrorKind::usage, "--lora", "the weight of " + text + " must be a number but 0",
                "leave the adapter out, or give a weight such as 0.7");
  }
  return named;
}

std::optional<lm::LoraConfig> told_config(const std::string& name) {
  if (name.empty()) return std::nullopt;
  const config::Node file = config::load_file("lora/" + name);
  config::Reader reader(file);
  return train::read_lora(reader, "");
}

}  // namespace

base::fs::path lora_path(const std::string& text) { return split_weight(text).path; }

void LoraFlags::add_to(CLI::App* command, const std::string& help) {
  command->add_option("--lora,--lora-weight", adapters, help);
  command->add_option("--lora-config", config_name_,
                      "settings the adapters were trained with, where their files do not say them "
                      "(r_8_alpha_16)");
}

std::vector<lm::WeightedAdapter> LoraFlags::load() const {
  const std::optional<lm::LoraConfig> told = told_config(config_name_);
  std::vector<lm::WeightedAdapter> loaded;
  for (const std::string& text : adapters) {
    const auto [path, weight] = split_weight(text);
    loaded.push_back({lm::load_adapter(path, told), weight});
    const lm::AdapterFile& file = loaded.back().file;
    if (file.is_adapter() && !file.says_base) {
      std::fprintf(stderr, "koi: note: %s does not say its base, so that is not checked\n",
                   printable(path.string()).c_str());
    }
  }
  return loaded;
}

}  // namespace koi::cli
