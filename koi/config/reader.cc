#include "koi/config/reader.h"

#include <cmath>

#include "koi/base/error.h"
#include "koi/config/scalar.h"

namespace koi::config {
namespace {

[[noreturn]] void fail_type(const std::string& key, std::string_view wanted, const Node& found) {
  std::string what = "expected " + std::string(wanted) + ", found " + std::string(found.kind());
  if (!found.get<Map>() && !found.get<List>()) what += " " + python_text(found, key);
  Reader::fail(key, what);
}

double to_double(const std::string& key, const Node& node) {
  if (const auto* number = node.get<double>()) return *number;
  if (const auto* number = node.get<int64_t>()) return static_cast<double>(*number);
  fail_type(key, "a number", node);
}

}  // namespace

void Reader::fail(const std::string& key, const std::string& what, const std::string& remedy) {
  throw Error(ErrorKind::config, key, what, remedy);
}

bool Reader::has(const std::string& key) {
  asked_.insert(key);
  const Node* node = root_.find(key);
  return node != nullptr && !node->is_null();
}

const Node& Reader::at(const std::string& key) {
  asked_.insert(key);
  const Node* node = root_.find(key);
  if (node == nullptr) fail(key, "is missing in the configuration", "do not remove it");
  return *node;
}

void Reader::read(const std::string& key, bool& value) {
  const Node& node = at(key);
  const auto* flag = node.get<bool>();
  if (flag == nullptr) fail_type(key, "true or false", node);
  value = *flag;
}

void Reader::read(const std::string& key, int64_t& value) {
  const Node& node = at(key);
  if (const auto* number = node.get<int64_t>()) {
    value = *number;
    return;
  }
  const auto* real = node.get<double>();
  if (real == nullptr || *real != std::floor(*real) || std::abs(*real) > 1e15) {
    fail_type(key, "an integer", node);
  }
  value = static_cast<int64_t>(*real);
}

void Reader::read(const std::string& key, double& value) { value = to_double(key, at(key)); }

void Reader::read(const std::string& key, std::string& value) {
  const Node& node = at(key);
  if (node.get<Map>() || node.get<List>()) fail_type(key, "a text", node);
  value = python_text(node, key);
}

void Reader::read(const std::string& key, std::vector<std::string>& value) {
  const Node& node = at(key);
  value.clear();
  if (const auto* list = node.get<List>()) {
    for (const Node& item : *list) value.push_back(python_text(item, key));
  } else {
    if (node.get<Map>() || node.is_null()) fail_type(key, "a list", node);
    value.push_back(python_text(node, key));
  }
}

void Reader::read(const std::string& key, std::vector<double>& value) {
  const Node& node = at(key);
  const auto* list = node.get<List>();
  if (list == nullptr) fail_type(key, "a list of numbers", node);
  value.clear();
  for (const Node& item : *list) value.push_back(to_double(key, item));
}

}  // namespace koi::config
