// What a pickled checkpoint holds: the plain Python values that torch.load(weights_only=True)
// accepts, as a tree.
#pragma once

#include <cstdint>
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
// An object of an allowed class whose content koi keeps but does not interpret (Lightning's
// containers, for instance).
struct Object {
  Global type;
  std::shared_ptr<Value> state;
  std::vector<Value> arguments;
};

class Value {
 public:
  using Variant = std::variant<None, bool, int64_t, double, std::string, Bytes,
                               std::shared_ptr<List>, std::shared_ptr<Tuple>, std::shared_ptr<Set>,
                               std::shared_ptr<Dict>, TensorView, Global, Object>;
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

  // The entry of a dict under a string key; null where this is no dict or has no such key.
  const Value* find(std::string_view key) const;

  Variant data = None{};
};

// A dict of tensors as a StateDict. Entries that are no tensors are an Error(corrupt) naming
// `where` and the key.
StateDict to_state_dict(const Value& dict, std::string_view where);
Value from_state_dict(const StateDict& state);  // an OrderedDict

}  // namespace koi::checkpoint
