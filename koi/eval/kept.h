// Results that cost something, kept in a file from one run to the next.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "koi/base/append_file.h"

namespace koi::eval {

// A file of lines of JSON, {"key": ..., "value": ...}, that only grows. What a crash cut off, and
// whatever else is no such line, is passed over.
class Kept {
 public:
  // Reads what is there. Throws Error(io).
  explicit Kept(const base::fs::path& file);

  // `key` names all that the result depends on, by any bytes.
  std::optional<std::string> find(const std::string& key) const;
  void keep(const std::string& key, const std::string& value);  // UTF-8; throws Error(io)

 private:
  std::map<std::string, std::string> values_;  // by the SHA-256 of the key
  base::AppendFile file_;
};

}  // namespace koi::eval
