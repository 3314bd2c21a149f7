// Takes values out of a resolved configuration into plain settings, and remembers which keys
// somebody asked for.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "koi/config/node.h"

namespace koi::config {

class Reader {
 public:
  // `root` must outlive the reader.
  explicit Reader(const Node& root) : root_(root) {}

  // True where `key` is there and not null. A key counts as asked for from here on.
  bool has(const std::string& key);

  // Puts the value of `key` into `value`. Throws Error(config) naming the key where it is absent or
  // has another type. A float takes integers; an integer takes whole floats (1e3); a text takes
  // numbers (project=123).
  void read(const std::string& key, bool& value);
  void read(const std::string& key, int64_t& value);
  void read(const std::string& key, double& value);
  void read(const std::string& key, std::string& value);
  void read(const std::string& key, std::vector<std::string>& value);  // one text is a list of one
  void read(const std::string& key, std::vector<double>& value);

  // As read(), but leaves `value` where the key is absent or null.
  template <typename T>
  void read_optional(const std::string& key, T& value) {
    if (has(key)) read(key, value);
  }

  const std::set<std::string>& asked() const { return asked_; }

  // For a value that is there but impossible.
  [[noreturn]] static void fail(const std::string& key, const std::string& what,
                                const std::string& remedy = {});

 private:
  const Node& at(const std::string& key);
  const Node& root_;
  std::set<std::string> asked_;
};

}  // namespace koi::config
