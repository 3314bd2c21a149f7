#include "koi/config/json.h"

#include <nlohmann/json.hpp>

namespace koi::config {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const Node& node) {
  return std::visit(
      [](const auto& value) -> Json {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, std::monostate>) {
          return nullptr;
        } else if constexpr (std::is_same_v<T, List>) {
          Json list = Json::array();
          for (const Node& item : value) list.push_back(to_json(item));
          return list;
        } else if constexpr (std::is_same_v<T, Map>) {
          Json map = Json::object();
          for (const auto& [key, child] : value.entries) map[key] = to_json(child);
          return map;
        } else {
          return value;
        }
      },
      node.value);
}

}  // namespace

std::string dump_json(const Node& node) {
  return to_json(node).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace koi::config
