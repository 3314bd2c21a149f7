#include "koi/checkpoint/value.h"

#include <unordered_set>

#include "koi/base/error.h"

namespace koi::checkpoint {
namespace {

template <typename T>
const T* pointee(const Value& value) {
  const auto* pointer = value.get<std::shared_ptr<T>>();
  return pointer == nullptr ? nullptr : pointer->get();
}

}  // namespace

Value Value::list(std::vector<Value> items) {
  return std::make_shared<List>(List{std::move(items)});
}

Value Value::tuple(std::vector<Value> items) {
  return std::make_shared<Tuple>(Tuple{std::move(items)});
}

Value Value::dict(std::vector<std::pair<Value, Value>> items, bool ordered) {
  return std::make_shared<Dict>(Dict{std::move(items), ordered, nullptr});
}

const Dict* Value::as_dict() const { return pointee<Dict>(*this); }
const List* Value::as_list() const { return pointee<List>(*this); }
const Tuple* Value::as_tuple() const { return pointee<Tuple>(*this); }

const Value* Value::find(std::string_view key) const {
  const Dict* dict = as_dict();
  if (dict == nullptr) return nullptr;
  for (auto item = dict->items.rbegin(); item != dict->items.rend(); ++item) {
    const auto* name = item->first.get<std::string>();
    if (name != nullptr && *name == key) return &item->second;
  }
  return nullptr;
}

const void* identity(const Value& value) {
  return std::visit(
      [](const auto& held) -> const void* {
        if constexpr (
            requires { held->items; } || requires { held->arguments; }) {
          return held.get();
        } else {
          return nullptr;
        }
      },
      value.data);
}

void visit_children(const Value& value, const std::function<void(const Value&)>& visitor) {
  if (const Dict* dict = value.as_dict()) {
    for (const auto& [key, item] : dict->items) {
      visitor(key);
      visitor(item);
    }
    if (dict->attributes != nullptr) visitor(dict->attributes);
  } else if (const Object* object = pointee<Object>(value)) {
    visitor(object->arguments);
    visitor(object->state);
  } else if (const List* list = value.as_list()) {
    for (const Value& item : list->items) visitor(item);
  } else if (const Tuple* tuple = value.as_tuple()) {
    for (const Value& item : tuple->items) visitor(item);
  } else if (const Set* set = pointee<Set>(value)) {
    for (const Value& item : set->items) visitor(item);
  }
}

StateDict to_state_dict(const Value& dict, std::string_view where) {
  const Dict* entries = dict.as_dict();
  if (entries == nullptr) throw Error(ErrorKind::corrupt, where, "holds no dict of tensors");
  StateDict state;
  std::unordered_set<std::string_view> names;
  for (const auto& [key, value] : entries->items) {
    const auto* name = key.get<std::string>();
    if (name == nullptr)
      throw Error(ErrorKind::corrupt, where, "a key of its dict of tensors is no string");
    const auto* tensor = value.get<TensorView>();
    if (tensor == nullptr) throw Error(ErrorKind::corrupt, where, *name + " is no tensor");
    if (!names.insert(*name).second)
      throw Error(ErrorKind::corrupt, where, "the tensor " + *name + " is there twice");
    state.emplace_back(*name, *tensor);
  }
  return state;
}

Value from_state_dict(const StateDict& state) {
  std::vector<std::pair<Value, Value>> items;
  items.reserve(state.size());
  for (const auto& [name, tensor] : state) items.emplace_back(name, tensor);
  return Value::dict(std::move(items), true);
}

}  // namespace koi::checkpoint
