// The part of numbered work that one of several processes does, which never meet.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace koi::base {

// All parts together hold every item exactly once, whatever becomes of a process.
struct Share {
  size_t rank = 0;   // which of them, 0 .. ranks - 1
  size_t ranks = 1;  // how many there are

  bool is_whole() const { return ranks == 1; }

  // Of `count` items.
  size_t size_of(size_t count) const { return (count + ranks - 1 - rank) / ranks; }

  // The items whose place is `rank` modulo `ranks`, in their order.
  template <typename T>
  std::vector<T> of(std::vector<T> all) const {
    if (is_whole()) return all;
    std::vector<T> some;
    some.reserve(size_of(all.size()));
    for (size_t i = rank; i < all.size(); i += ranks) some.push_back(std::move(all[i]));
    return some;
  }
};

}  // namespace koi::base
