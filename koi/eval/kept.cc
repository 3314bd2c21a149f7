#include "koi/eval/kept.h"

#include <nlohmann/json.hpp>
#include <sstream>

#include "koi/base/hash.h"

namespace koi::eval {
namespace {

using nlohmann::json;

std::string text_of(const base::fs::path& file) {
  return base::fs::exists(file) ? base::read_file(file) : std::string();
}

}  // namespace

Kept::Kept(const base::fs::path& file) : file_(file) {
  const std::string text = text_of(file);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const json entry = json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!entry.is_object() || !entry.contains("key") || !entry.contains("value")) continue;
    const json &key = entry["key"], &value = entry["value"];
    if (key.is_string() && value.is_string())
      values_[key.get<std::string>()] = value.get<std::string>();
  }
  if (!text.empty() && text.back() != '\n') file_.append("\n");
}

std::optional<std::string> Kept::find(const std::string& key) const {
  const auto value = values_.find(base::sha256_hex(key));
  return value == values_.end() ? std::nullopt : std::optional(value->second);
}

void Kept::keep(const std::string& key, const std::string& value) {
  const std::string hash = base::sha256_hex(key);
  file_.append(json{{"key", hash}, {"value", value}}.dump() + '\n');
  values_[hash] = value;
}

}  // namespace koi::eval
