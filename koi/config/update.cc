#include "koi/config/update.h"

#include "koi/base/error.h"
#include "koi/base/nearest_name.h"
#include "koi/config/scalar.h"

namespace koi::config {
namespace {

[[noreturn]] void fail(const Override& override, const std::string& what,
                       const std::string& remedy = {}) {
  throw Error(ErrorKind::config, "override " + override.text, what, remedy);
}

void collect_paths(const Node& node, const std::string& path, std::vector<std::string>& out) {
  if (!path.empty()) out.push_back(path);
  if (const auto* map = node.get<Map>()) {
    for (const auto& [key, child] : map->entries)
      collect_paths(child, path.empty() ? key : path + "." + key, out);
  }
}

[[noreturn]] void fail_unknown(const Node& root, const Override& override, const std::string& key) {
  std::vector<std::string> known;
  collect_paths(root, "", known);
  const std::string near = base::nearest_name(key, known);
  std::string remedy = near.empty() ? "" : "did you mean " + near + "? ";
  if (override.kind == OverrideKind::change) remedy += "to add a key write +" + key + "=...";
  fail(override, "there is no key " + key, remedy);
}

void remove(Node& root, const Override& override, const std::vector<std::string>& parts) {
  Node* parent = &root;
  for (size_t i = 0; parent != nullptr && i + 1 < parts.size(); ++i)
    parent = parent->child(parts[i]);
  Node* old = parent ? parent->child(parts.back()) : nullptr;
  if (old == nullptr) fail_unknown(root, override, override.key);
  if (override.value && !(*old == *override.value)) {
    fail(override, "is not removed: it has another value");
  }
  if (auto* list = parent->get<List>()) {
    list->erase(list->begin() + (old - list->data()));
  } else {
    parent->erase(parts.back());
  }
}

// A map merged into one that has a fixed set of keys.
void merge_known(Node& target, const Node& from, const Override& override, const std::string& path,
                 const Node& root) {
  const auto* source = from.get<Map>();
  if (source == nullptr || target.get<Map>() == nullptr) {
    target = from;
    return;
  }
  for (const auto& [key, node] : source->entries) {
    Node* old = target.child(key);
    if (old == nullptr) fail_unknown(root, override, path + "." + key);
    merge_known(*old, node, override, path + "." + key, root);
  }
}

}  // namespace

void apply_override(Node& root, const Override& override) {
  const std::vector<std::string> parts = split_path(override.key);
  if (parts.empty()) fail(override, "has no key", "key=value is meant");
  if (override.kind == OverrideKind::remove) {
    remove(root, override, parts);
    return;
  }
  const bool may_add = override.kind != OverrideKind::change;
  const Node& value = *override.value;
  Node* node = &root;
  std::string path;
  for (const std::string& part : parts) {
    path += (path.empty() ? "" : ".") + part;
    if (node->get<Map>() == nullptr && node->get<List>() == nullptr) {
      if (!may_add) fail_unknown(root, override, path);
      *node = Node(Map{});
    }
    Node* next = node->child(part);
    if (next == nullptr) {
      if (node->get<List>()) fail(override, "the list has no item " + part);
      if (!may_add) fail_unknown(root, override, path);
      next = &node->set(part, Node());
    }
    node = next;
  }
  const bool plain = value.get<Map>() == nullptr && value.get<List>() == nullptr;
  if (override.kind == OverrideKind::add && plain && !node->is_null()) {
    fail(override, "the key is already there",
         "leave out the + to change it, or write ++ to add or change it");
  }
  if (may_add) {
    merge(*node, value);
  } else {
    merge_known(*node, value, override, override.key, root);
  }
}

}  // namespace koi::config
