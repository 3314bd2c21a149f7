#include "koi/checkpoint/value_limits.h"

#include <algorithm>
#include <unordered_map>

#include "koi/base/error.h"

namespace koi::checkpoint {
namespace {

// Looks at every container once and keeps what is known of it, so that sharing costs no time.
class Measure {
 public:
  explicit Measure(const std::string& where) : where_(where) {}

  struct Extent {
    int height = 0;       // levels of containers
    uint64_t values = 1;  // with shared ones counted again
    bool open = false;    // being measured: met again, it holds itself
  };

  Extent measure(const Value& value, int depth) {
    const void* container = identity(value);
    if (container == nullptr) return {};
    const auto [entry, fresh] = known_.try_emplace(container, Extent{0, 0, true});
    if (!fresh) {
      if (entry->second.open) refuse("holds itself");
      return entry->second;
    }
    if (depth >= kMaxValueDepth) refuse("is nested too deeply");
    Extent extent{0, 1, false};
    visit_children(value, [&](const Value& child) {
      const Extent part = measure(child, depth + 1);
      extent.height = std::max(extent.height, part.height);
      extent.values += part.values;
      if (extent.values > kMaxValues) refuse("unfolds to too many values");
    });
    ++extent.height;
    if (extent.height + depth > kMaxValueDepth) refuse("is nested too deeply");
    known_[container] = extent;
    return extent;
  }

  std::unordered_set<const void*> containers() const {
    std::unordered_set<const void*> all;
    for (const auto& [container, extent] : known_) all.insert(container);
    return all;
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorKind::unsupported, where_, "a value of the pickle " + what,
                "no checkpoint of a model looks so");
  }

  const std::string& where_;
  std::unordered_map<const void*, Extent> known_;
};

}  // namespace

std::unordered_set<const void*> check_value(const Value& root, const std::string& where) {
  Measure measure(where);
  measure.measure(root, 0);
  return measure.containers();
}

}  // namespace koi::checkpoint
