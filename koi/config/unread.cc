#include "koi/config/unread.h"

#include <algorithm>

#include "koi/config/override.h"

namespace koi::config {
namespace {

constexpr int kMaxHops = 16;  // ${a} that names ${b} that names ...

bool is_at_or_below(const std::string& path, const std::string& root) {
  return path == root || path.starts_with(root + ".");
}

// `key` holds a value with ${name}.
struct Alias {
  std::string name, key;
};

std::vector<Alias> find_aliases(const Node& config) {
  std::vector<Alias> aliases;
  for (const auto& [key, leaf] : leaves(config)) {
    const auto* text = leaf->get<std::string>();
    if (text == nullptr) continue;
    for (size_t at = text->find("${"); at != std::string::npos; at = text->find("${", at + 2))
      aliases.push_back({text->substr(at + 2, text->find('}', at) - at - 2), key});
  }
  return aliases;
}

bool is_read(const std::string& path, const std::vector<Alias>& aliases,
             const std::set<std::string>& asked, int hops) {
  if (std::any_of(asked.begin(), asked.end(),
                  [&](const std::string& key) { return is_at_or_below(key, path); })) {
    return true;
  }
  return hops < kMaxHops && std::any_of(aliases.begin(), aliases.end(), [&](const Alias& alias) {
           return is_at_or_below(path, alias.name) &&
                  is_read(alias.key + path.substr(alias.name.size()), aliases, asked, hops + 1);
         });
}

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace

std::vector<std::string> unread_overrides(std::span<const std::string> overrides,
                                          const Node& config, const std::set<std::string>& asked) {
  const std::vector<Alias> aliases = find_aliases(config);
  std::vector<std::string> unread;
  for (const std::string& text : overrides) {
    const Override override = parse_override(text);
    std::string path = override.package.value_or(override.key);
    const size_t dot = path.rfind('.');
    // An item of a list is read with the list.
    if (dot != std::string::npos && is_number(path.substr(dot + 1))) path.resize(dot);
    if (override.kind == OverrideKind::remove || is_at_or_below(path, "hydra")) continue;
    if (!is_read(path, aliases, asked, 0)) unread.push_back(text);
  }
  return unread;
}

}  // namespace koi::config
