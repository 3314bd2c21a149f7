#include "koi/config/node.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace koi::config {
namespace {

void collect(const Node& node, const std::string& path,
             std::vector<std::pair<std::string, const Node*>>& out) {
  if (const auto* map = node.get<Map>(); map && !map->entries.empty()) {
    for (const auto& [key, child] : map->entries)
      collect(child, path.empty() ? key : path + "." + key, out);
  } else if (const auto* list = node.get<List>(); list && !list->empty()) {
    for (size_t i = 0; i < list->size(); ++i)
      collect((*list)[i], path + "[" + std::to_string(i) + "]", out);
  } else if (!path.empty()) {
    out.emplace_back(path, &node);
  }
}

}  // namespace

const Node* Node::child(std::string_view key) const {
  if (const auto* map = get<Map>()) {
    for (const auto& [name, node] : map->entries)
      if (name == key) return &node;
  } else if (const auto* list = get<List>()) {
    size_t index = 0;
    const char* end = key.data() + key.size();
    const auto parsed = std::from_chars(key.data(), end, index);
    if (parsed.ec == std::errc() && parsed.ptr == end && index < list->size()) {
      return &(*list)[index];
    }
  }
  return nullptr;
}

Node* Node::child(std::string_view key) {
  return const_cast<Node*>(std::as_const(*this).child(key));
}

const Node* Node::find(std::string_view path) const {
  const Node* node = this;
  for (const std::string& part : split_path(path)) {
    node = node->child(part);
    if (node == nullptr) return nullptr;
  }
  return node;
}

Node& Node::set(std::string_view key, Node node) {
  if (Node* old = child(key)) {
    *old = std::move(node);
    return *old;
  }
  auto& entries = get<Map>()->entries;
  entries.emplace_back(std::string(key), std::move(node));
  return entries.back().second;
}

bool Node::erase(std::string_view key) {
  auto& entries = get<Map>()->entries;
  return std::erase_if(entries, [&](const auto& entry) { return entry.first == key; }) > 0;
}

std::string_view Node::kind() const {
  static constexpr std::array<std::string_view, 7> names{"null",   "boolean", "integer", "float",
                                                         "string", "list",    "map"};
  return names.at(value.index());
}

bool operator==(const Map& a, const Map& b) { return a.entries == b.entries; }

bool operator==(const Node& a, const Node& b) { return a.value == b.value; }

std::vector<std::pair<std::string, const Node*>> leaves(const Node& root) {
  std::vector<std::pair<std::string, const Node*>> out;
  collect(root, "", out);
  return out;
}

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const size_t dot = std::min(path.find('.'), path.size());
    parts.emplace_back(path.substr(0, dot));
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return parts;
}

void merge(Node& target, const Node& from) {
  const auto* source = from.get<Map>();
  if (source == nullptr || target.get<Map>() == nullptr) {
    target = from;
    return;
  }
  for (const auto& [key, node] : source->entries) {
    if (Node* old = target.child(key)) {
      merge(*old, node);
    } else {
      target.set(key, node);
    }
  }
}

}  // namespace koi::config
