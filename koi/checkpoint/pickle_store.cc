#include "koi/checkpoint/pickle_store.h"

#include <iterator>

#include "koi/base/error.h"

namespace koi::checkpoint {
namespace {

constexpr uint64_t kMaxMemory = uint64_t{256} << 20;

// Bytes that a copy of `value` takes.
uint64_t size_of_copy(const Value& value) {
  uint64_t more = 0;
  if (const auto* text = value.get<std::string>()) more = text->size();
  if (const auto* bytes = value.get<Bytes>()) more = bytes->bytes.size();
  if (const auto* global = value.get<Global>()) more = global->module.size() + global->name.size();
  if (const auto* tensor = value.get<TensorView>())
    more = (tensor->shape.size() + tensor->strides.size()) * sizeof(int64_t);
  return sizeof(Value) + more;
}

void empty(const Value& container) {
  std::visit(
      [](const auto& held) {
        if constexpr (requires { held->items; }) held->items.clear();
        if constexpr (requires { held->attributes; }) held->attributes.reset();
        if constexpr (requires { held->arguments; }) {
          held->arguments = None{};
          held->state = None{};
        }
      },
      container.data);
}

}  // namespace

PickleStore::~PickleStore() {
  // All containers are held here while they are emptied, so none is freed inside of another.
  for (const Value& container : containers_) {
    if (!kept_.contains(identity(container))) empty(container);
  }
}

void PickleStore::fail(const std::string& what) const {
  throw Error(ErrorKind::corrupt, where_, "the pickle " + what,
              "the file is damaged; get it again");
}

void PickleStore::charge_bytes(uint64_t bytes) {
  charged_ += bytes;
  if (charged_ > kMaxMemory) {
    throw Error(ErrorKind::unsupported, where_,
                "the pickle unfolds to more than " + std::to_string(kMaxMemory >> 20) + " MiB",
                "no checkpoint of a model looks so");
  }
}

void PickleStore::charge(const Value& value) { charge_bytes(size_of_copy(value)); }

void PickleStore::require(size_t count) const {
  const size_t floor = marks_.empty() ? 0 : marks_.back();
  if (stack_.size() - floor < count) fail("takes more values than there are");
}

void PickleStore::push(Value value) {
  charge(value);
  stack_.push_back(std::move(value));
}

Value PickleStore::pop() {
  require(1);
  Value value = std::move(stack_.back());
  stack_.pop_back();
  return value;
}

Value& PickleStore::top() {
  require(1);
  return stack_.back();
}

std::vector<Value> PickleStore::pop_to_mark() {
  if (marks_.empty()) fail("lacks a mark");
  const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  marks_.pop_back();
  std::vector<Value> values(std::make_move_iterator(begin), std::make_move_iterator(stack_.end()));
  stack_.erase(begin, stack_.end());
  return values;
}

std::vector<std::pair<Value, Value>> PickleStore::pop_pairs_to_mark() {
  std::vector<Value> values = pop_to_mark();
  if (values.size() % 2 != 0) fail("has a key without a value");
  std::vector<std::pair<Value, Value>> pairs;
  pairs.reserve(values.size() / 2);
  for (size_t i = 0; i < values.size(); i += 2)
    pairs.emplace_back(std::move(values[i]), std::move(values[i + 1]));
  return pairs;
}

Value PickleStore::pop_tuple(size_t count) {
  require(count);
  const auto begin = stack_.end() - static_cast<std::ptrdiff_t>(count);
  std::vector<Value> items(std::make_move_iterator(begin), std::make_move_iterator(stack_.end()));
  stack_.erase(begin, stack_.end());
  return Value::tuple(std::move(items));
}

void PickleStore::adopt(const Value& container) {
  if (identity(container) == nullptr) return;
  charge(container);
  containers_.push_back(container);
  visit_children(container, [this](const Value& child) { charge(child); });
}

void PickleStore::memoize(uint32_t index) {
  const Value& value = top();
  charge(value);
  memo_[index] = value;
}

void PickleStore::recall(uint32_t index) {
  const auto found = memo_.find(index);
  if (found == memo_.end()) fail("asks for a value that it did not keep");
  push(found->second);
}

}  // namespace koi::checkpoint
