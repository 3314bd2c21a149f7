// A "Sequence" of components in a tokenizer file: each part is made, then all are applied in turn.
// Internal to koi/text.
#pragma once

#include <string>
#include <vector>

#include "koi/text/json_node.h"

namespace koi::text {

// How deep sequences may lie in each other: a hostile file must not exhaust the stack.
constexpr int kMaxDepth = 16;

// The parts under `key`, made by make(part, depth + 1).
template <typename Make>
auto make_sequence(const JsonNode& node, const std::string& key, int depth, Make make) {
  if (depth >= kMaxDepth) node.unsupported("a Sequence this deep");
  node.allow_only({"type", key});
  std::vector<decltype(make(node, depth))> parts;
  for (const JsonNode& part : node.items(key)) parts.push_back(make(part, depth + 1));
  return parts;
}

}  // namespace koi::text
