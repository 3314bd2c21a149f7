// A configuration as a tree of plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace koi::config {

class Node;
using List = std::vector<Node>;
struct Map {
  std::vector<std::pair<std::string, Node>> entries;  // in the file's order, keys unique
};

class Node {
 public:
  using Value = std::variant<std::monostate, bool, int64_t, double, std::string, List, Map>;

  Node() = default;  // null
  Node(Value from)
      : value(std::move(from)) {}  // NOLINT: a value is written where a Node is expected

  template <typename T>
  const T* get() const {
    return std::get_if<T>(&value);
  }
  template <typename T>
  T* get() {
    return std::get_if<T>(&value);
  }
  bool is_null() const { return std::holds_alternative<std::monostate>(value); }

  // The child of a map, or of a list where `key` is its index in digits; null where there is none.
  const Node* child(std::string_view key) const;
  Node* child(std::string_view key);
  // Along a dotted path; the empty path is the node itself.
  const Node* find(std::string_view path) const;

  // Of a map: puts `node` under `key`, in place where the key is there, else at the end.
  Node& set(std::string_view key, Node node);
  bool erase(std::string_view key);  // true where it was there

  // "null", "boolean", "integer", "float", "string", "list", "map".
  std::string_view kind() const;

  Value value;
};

bool operator==(const Map& a, const Map& b);
bool operator==(const Node& a, const Node& b);

// Every leaf as ("a.b[0]", node) in order; an empty list or map is a leaf.
std::vector<std::pair<std::string, const Node*>> leaves(const Node& root);

std::vector<std::string> split_path(std::string_view path);  // "a.b" -> {"a", "b"}; "" -> {}

// Dicts merge key by key, everything else replaces; keys keep the place they have in `target`.
void merge(Node& target, const Node& from);

}  // namespace koi::config
