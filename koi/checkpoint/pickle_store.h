// The store of the machine that runs a pickle: its stack, its memo, and the bounds on both.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "koi/checkpoint/value.h"

namespace koi::checkpoint {

class PickleStore {
 public:
  explicit PickleStore(const std::string& where) : where_(where) {}
  // Takes apart what is not in kept(): circles would never be freed, deep nests by too many calls.
  ~PickleStore();
  PickleStore(const PickleStore&) = delete;
  PickleStore& operator=(const PickleStore&) = delete;

  void push(Value value);
  Value pop();
  Value& top();
  void push_mark() { marks_.push_back(stack_.size()); }
  // What was pushed since the last mark, which goes too.
  std::vector<Value> pop_to_mark();
  // The same as pairs of key and value.
  std::vector<std::pair<Value, Value>> pop_pairs_to_mark();
  // The last `count` values as a tuple.
  Value pop_tuple(size_t count);
  // A container that just has been made: what it holds is counted, and it is taken apart at the end
  // unless kept.
  void adopt(const Value& container);

  void memoize(uint32_t index);
  void memoize_next() { memoize(static_cast<uint32_t>(memo_.size())); }
  void recall(uint32_t index);

  void keep(std::unordered_set<const void*> containers) { kept_ = std::move(containers); }

  [[noreturn]] void fail(const std::string& what) const;

 private:
  // Counts the memory of one more copy of `value`.
  void charge(const Value& value);
  void charge_bytes(uint64_t bytes);
  // Values that may be taken: none below the last mark.
  void require(size_t count) const;

  const std::string& where_;
  uint64_t charged_ = 0;
  std::vector<Value> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint32_t, Value> memo_;
  std::vector<Value> containers_;
  std::unordered_set<const void*> kept_;
};

}  // namespace koi::checkpoint
