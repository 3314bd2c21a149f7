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

  // x [count, columns], row by row, 1 <= count <= kMost.
  void assign(const float* x, int64_t count, int64_t columns, Format format);

  int64_t count() const { return count_; }
  // Where the weights are f32 or bf16: `columns` values.
  const float* floats(int64_t i) const { return floats_[static_cast<size_t>(i * lines_)].values; }
  // Of the quantised form; each has blocks_of(columns) blocks. For int4 the columns of a block lie
  // as its words hold them (pack_int4_block): a quarter for each of their nibbles.
  const int16_t* values(int64_t i) const { return shorts_[static_cast<size_t>(i * lines_)].values; }
  const float* scales(int64_t i) const { return scales_.data() + i * blocks_; }
  const float* sums(int64_t i) const {
    return sums_.data() + i * blocks_;
  }  // scale * sum of values

 private:
  // Of the cache: a load that begins elsewhere touches two of them and takes twice as long.
  template <typename Value>
  struct alignas(64) Line {
    static constexpr int64_t kValues = 64 / sizeof(Value);
    Value values[kValues];
  };

  void copy(const float* x, int64_t columns);
  void round(const float* x, int64_t columns, bool by_nibbles);

  int64_t count_ = 0, blocks_ = 0;
  int64_t lines_ = 0;  // of a vector
  std::vector<Line<float>> floats_;
  std::vector<Line<int16_t>> shorts_;
  std::vector<float> scales_, sums_;
};

}  // namespace koi::kernels
