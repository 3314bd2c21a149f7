// A value of tokenizer.json together with its place, so that every error names both. Internal to
// koi/text.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace koi::text {

// The value must outlive the node. All readers throw Error(corrupt) where the kind of value is
// wrong; a key that is absent or null takes the fallback where there is one.
class JsonNode {
 public:
  JsonNode(const nlohmann::json& value, std::string file, std::string path = {})
      : value_(&value), file_(std::move(file)), path_(std::move(path)) {}

  const nlohmann::json& value() const { return *value_; }
  const std::string& file() const { return file_; }
  std::string where() const { return path_.empty() ? file_ : file_ + ": " + path_; }

  bool has(const std::string& key) const;  // there and not null
  JsonNode at(const std::string& key) const;
  std::vector<JsonNode> items(const std::string& key) const;  // of an array

  std::string as_string() const;
  int64_t as_id() const;  // 0 to 2^31 - 1
  std::string string(const std::string& key) const { return at(key).as_string(); }
  std::string string(const std::string& key, const std::string& fallback) const;
  bool boolean(const std::string& key, bool fallback) const;
  int64_t integer(const std::string& key, int64_t fallback) const;

  // Throws Error(unsupported) for any other key that is not null: what koi does not know may change
  // the result.
  void allow_only(std::initializer_list<std::string_view> keys) const;

  [[noreturn]] void corrupt(std::string_view what) const;
  [[noreturn]] void unsupported(std::string_view what) const;

 private:
  const nlohmann::json* value_;
  std::string file_;
  std::string path_;
};

}  // namespace koi::text
