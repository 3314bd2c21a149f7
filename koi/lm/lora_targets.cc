#include "koi/lm/lora_targets.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "koi/base/error.h"
#include "koi/base/nearest_name.h"

namespace koi::lm {
namespace {

constexpr char kWhere[] = "LoRA targets";
constexpr size_t kLongestTarget = 200;  // characters; names of modules have some 40

const std::map<std::string, std::vector<std::string>>& groups() {
  static const std::map<std::string, std::vector<std::string>> known{
      {"all", {"*"}},
      {"attention", {"*.attention.*"}},
      {"ffn", {"*.feed_forward.*"}},
      {"embeddings", {"*embeddings"}},
      {"output", {"*output"}},
      {"slow", {"embeddings", "codebook_embeddings", "layers.*", "output"}},
      {"fast", {"fast_*"}}};
  return known;
}

// Linear in the length of `name` for each star.
bool matches(std::string_view pattern, std::string_view name) {
  size_t p = 0, n = 0, star = std::string_view::npos, retry = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      retry = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++retry;
    } else {
      return false;
    }
  }
  return std::all_of(pattern.begin() + static_cast<std::ptrdiff_t>(p), pattern.end(),
                     [](char c) { return c == '*'; });
}

// "layers.3.attention.wo" -> "layers.*.attention.wo".
std::string for_all_layers(std::string name) {
  const size_t begin = name.find('.') + 1, end = name.find('.', begin);
  if (begin != 0 && end != std::string::npos) name.replace(begin, end - begin, "*");
  return name;
}

[[noreturn]] void refuse(const std::string& target, const std::vector<std::string>& modules) {
  std::vector<std::string> known;
  std::string listed;
  for (const auto& [group, patterns] : groups()) {
    known.push_back(group);
    listed += group + ", ";
  }
  for (const std::string& module : modules) known.push_back(for_all_layers(module));
  const std::string near = base::nearest_name(target, known);
  throw Error(ErrorKind::config, kWhere, "nothing is named " + target,
              (near.empty() ? "" : "did you mean " + near + "? ") + "there are the groups " +
                  listed + "and names such as layers.*.attention.wqkv");
}

}  // namespace

std::set<std::string> chosen_modules(const std::vector<std::string>& targets,
                                     const std::vector<std::string>& modules) {
  if (targets.empty())
    throw Error(ErrorKind::config, kWhere, "none are given", "all is what is usually adapted");
  std::set<std::string> chosen;
  for (const std::string& target : targets) {
    if (target.size() > kLongestTarget) {
      throw Error(ErrorKind::config, kWhere,
                  "one has " + std::to_string(target.size()) + " characters, no name is that long");
    }
    const auto group = groups().find(target);
    const std::vector<std::string> patterns =
        group != groups().end() ? group->second : std::vector<std::string>{target};
    bool found = false;
    for (const std::string& module : modules) {
      const bool named = std::any_of(patterns.begin(), patterns.end(),
                                     [&](const auto& pattern) { return matches(pattern, module); });
      found = found || named;
      if (named) chosen.insert(module);
    }
    if (!found) refuse(target, modules);
  }
  return chosen;
}

std::string target_of(const std::string& module) {
  return groups().contains(module) ? module + "*" : module;
}

}  // namespace koi::lm
