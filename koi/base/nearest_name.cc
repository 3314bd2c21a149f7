#include "koi/base/nearest_name.h"

#include <algorithm>

#include "koi/base/edit_distance.h"

namespace koi::base {
namespace {

std::string_view last_part(std::string_view path) {
  return path.substr(path.rfind('.') + 1);  // npos + 1 == 0
}

}  // namespace

std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates) {
  std::string best;
  int64_t best_distance = std::max<int64_t>(3, std::ssize(name) / 3);
  for (const std::string& candidate : candidates) {
    if (last_part(candidate) == last_part(name)) return candidate;
    const int64_t distance = std::min(edit_distance(name, std::string_view(candidate)),
                                      edit_distance(last_part(name), last_part(candidate)) + 1);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace koi::base
