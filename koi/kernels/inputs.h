// The vectors that matrices are multiplied with, in the form that the matrix's format asks for.
#pragma once

#include <cstdint>
#include <vector>

#include "koi/kernels/matrix.h"

namespace koi::kernels {

// For quantised weights a vector is rounded to 16 bits, with a scale for each block of kGroup
// columns (the largest magnitude / 32767): products and sums of a block are exact in integers then,
// and the rounding is some hundred times finer than that of the weights.
class Inputs {
 public:
  static constexpr int64_t kMost = 8;  // vectors at once

  // x [count, columns], row by row, 1 <= count <= kMost. With f32 and bf16 weights it is looked at
  // only, so it has to stay.
  void assign(const float* x, int64_t count, int64_t columns, Format format);

  int64_t count() const { return count_; }
  const float* floats(int64_t i) const { return floats_ + i * columns_; }
  // Of the quantised form; each has blocks_of(columns) blocks.
  const int16_t* values(int64_t i) const { return values_.data() + i * blocks_ * kGroup; }
  const float* scales(int64_t i) const { return scales_.data() + i * blocks_; }
  const float* sums(int64_t i) const {
    return sums_.data() + i * blocks_;
  }  // scale * sum of values

 private:
  int64_t count_ = 0, columns_ = 0, blocks_ = 0;
  const float* floats_ = nullptr;
  std::vector<int16_t> values_;
  std::vector<float> scales_, sums_;
};

}  // namespace koi::kernels
