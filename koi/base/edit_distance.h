#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

namespace koi::base {

// The fewest insertions, deletions and replacements of elements that make one sequence the other
// (Levenshtein). Time grows with the product of the lengths, memory with the length of `b`.
template <typename Sequence>
int64_t edit_distance(const Sequence& a, const Sequence& b) {
  std::vector<int64_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), int64_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    int64_t diagonal = row[0]++;
    for (size_t j = 0; j < b.size(); ++j) {
      const int64_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace koi::base
