#include "koi/text/json_node.h"

#include <algorithm>
#include <limits>

#include "koi/base/error.h"

namespace koi::text {

bool JsonNode::has(const std::string& key) const {
  if (!value_->is_object()) corrupt("is no object");
  const auto found = value_->find(key);
  return found != value_->end() && !found->is_null();
}

JsonNode JsonNode::at(const std::string& key) const {
  if (!has(key)) corrupt("lacks \"" + key + "\"");
  return {(*value_)[key], file_, path_.empty() ? key : path_ + "." + key};
}

std::vector<JsonNode> JsonNode::items(const std::string& key) const {
  const JsonNode array = at(key);
  if (!array.value().is_array()) array.corrupt("is no array");
  std::vector<JsonNode> out;
  for (size_t i = 0; i < array.value().size(); ++i)
    out.emplace_back(array.value()[i], file_, array.path_ + "[" + std::to_string(i) + "]");
  return out;
}

std::string JsonNode::as_string() const {
  if (!value_->is_string()) corrupt("is no string");
  return value_->get<std::string>();
}

int64_t JsonNode::as_id() const {
  constexpr int64_t kMax = std::numeric_limits<int32_t>::max();
  const bool is_id =
      value_->is_number_unsigned() && value_->get<uint64_t>() <= static_cast<uint64_t>(kMax);
  if (!is_id) corrupt("is no token id (a whole number from 0 to " + std::to_string(kMax) + ")");
  return value_->get<int64_t>();
}

std::string JsonNode::string(const std::string& key, const std::string& fallback) const {
  return has(key) ? string(key) : fallback;
}

bool JsonNode::boolean(const std::string& key, bool fallback) const {
  if (!has(key)) return fallback;
  const JsonNode node = at(key);
  if (!node.value().is_boolean()) node.corrupt("is neither true nor false");
  return node.value().get<bool>();
}

int64_t JsonNode::integer(const std::string& key, int64_t fallback) const {
  return has(key) ? at(key).as_id() : fallback;
}

void JsonNode::allow_only(std::initializer_list<std::string_view> keys) const {
  if (!value_->is_object()) corrupt("is no object");
  for (const auto& [key, value] : value_->items()) {
    if (!value.is_null() && std::find(keys.begin(), keys.end(), key) == keys.end())
      unsupported("the setting \"" + key + "\"");
  }
}

void JsonNode::corrupt(std::string_view what) const {
  throw Error(ErrorKind::corrupt, where(), what, "the file is damaged or no tokenizer");
}

void JsonNode::unsupported(std::string_view what) const {
  throw Error(ErrorKind::unsupported, where(), std::string(what) + " is not supported",
              "use a checkpoint whose tokenizer koi knows (byte-level or SentencePiece-like BPE)");
}

}  // namespace koi::text
