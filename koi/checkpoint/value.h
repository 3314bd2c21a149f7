// What a pickled checkpoint holds: the plain Python values that torch.load(weights_only=True)
// accepts, as a tree.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "koi/checkpoint/tensor_view.h"

namespace koi::checkpoint {

class Value;

struct List {
  std::vector<Value> items;
};
struct Tuple {
  std::vector<Value> items;
};
struct Set {
  std::vector<Value> items;
};
// A dict or an OrderedDict, in insertion order. `attributes` holds what BUILD set on an OrderedDict
// (`_metadata`).
struct Dict {
  std::vector<std::pair<Value, Value>> items;
  bool ordered = false;
  std::shared_ptr<Dict> attributes;
};
struct Bytes {
  std::string bytes;
};
struct None {};
// A name that is data, not a call: torch.float32, a pathlib class. `module` and `name` as pickled.
struct Global {
  std::string module, name;
};
// An object of an allowed class whose content koi keeps but does not interpret (a path, say): what
// its constructor was given, and the state set on it (none where there is none).
struct Object;

class Value {
 public:
  using Variant = std::variant<None, bool, int64_t, double, std::string, Bytes,
                               std::shared_ptr<List>, std::shared_ptr<Tuple>, std::shared_ptr<Set>,
                               std::shared_ptr<Dict>, TensorView, Global, std::shared_ptr<Object>>;
  Value() = default;
  template <typename T>
  requires(!std::is_same_v<std::decay_t<T>, Value>) Value(T&& value)
      : data(std::forward<T>(value)) {}  // NOLINT: a value is written where a Value is expected

  // Makers of the shared kinds.
  static Value list(std::vector<Value> items = {});
  static Value tuple(std::vector<Value> items = {});
  static Value dict(std::vector<std::pair<Value, Value>> items = {}, bool ordered = false);

  bool is_none() const { return std::holds_alternative<None>(data); }
  template <typename T>
  const T* get() const {
    return std::get_if<T>(&data);
  }
  const Dict* as_dict() const;  // null where it is none
  const List* as_list() const;
  const Tuple* as_tuple() const;

  // The entry of a dict under a string key, the last one of equal keys as in Python; null where
  // this is no dict or has no such key.
  const Value* find(std::string_view key) const;

  Variant data = None{};
};

struct Object {
  Global type;
  Value arguments;  // a tuple
  Value state;
};

// The address of a container (list, tuple, set, dict, object), the same for all values that share
// it; null for other values.
const void* identity(const Value& value);

// The values that a container holds, keys and attributes too, in their order.
void visit_children(const Value& value, const std::function<void(const Value&)>& visitor);

// A dict of tensors as a StateDict. Entries that are no tensors are an Error(corrupt) naming
// `where` and the key, and so are names that come twice.
StateDict to_state_dict(const Value& dict, std::string_view where);
Value from_state_dict(const StateDict& state);  // an OrderedDict

}  // namespace koi::checkpoint
