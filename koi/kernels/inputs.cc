#include "koi/kernels/inputs.h"

#include <algorithm>
#include <array>
#include <bit>

namespace koi::kernels {
namespace {

constexpr float kLargest = 32767;

struct Block {
  float scale, sum;
};

// The bits of a float that is not negative rise with it, so the largest is found among integers,
// which compilers know how to do several at once; and 1.5 * 2^23 added to a small float leaves its
// nearest integer in the lowest bits.
Block round_block(const float* x, int64_t count, int16_t* values) {
  int32_t largest_bits = 0;
  for (int64_t i = 0; i < count; ++i)
    largest_bits = std::max(largest_bits, std::bit_cast<int32_t>(x[i]) & 0x7FFFFFFF);
  const float largest = std::bit_cast<float>(largest_bits);
  // 0 where all is nearly zero: the factor would be infinite.
  const float factor = largest > 1e-30F ? kLargest / largest : 0;
  constexpr float kRound = 12582912;
  int32_t sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    values[i] = static_cast<int16_t>(std::bit_cast<int32_t>(x[i] * factor + kRound) & 0xFFFF);
    sum += values[i];
  }
  std::fill(values + count, values + kGroup, int16_t{0});
  const float scale = largest / kLargest;
  return {.scale = scale, .sum = scale * static_cast<float>(sum)};
}

// Value 64 v + 16 n + l, nibble n of word 16 v + l, becomes value 32 n + 16 v + l.
void order_by_nibbles(int16_t* values) {
  constexpr int64_t kRun = 16;
  std::array<int16_t, kGroup> ordered;
  for (int64_t n = 0; n < 4; ++n)
    for (int64_t v = 0; v < 2; ++v)
      std::copy_n(values + (4 * v + n) * kRun, kRun, ordered.data() + (2 * n + v) * kRun);
  std::copy(ordered.begin(), ordered.end(), values);
}

}  // namespace

void Inputs::copy(const float* x, int64_t columns) {
  lines_ = (columns + Line<float>::kValues - 1) / Line<float>::kValues;
  floats_.resize(static_cast<size_t>(count_ * lines_));
  for (int64_t i = 0; i < count_; ++i)
    std::copy_n(x + i * columns, columns, floats_[static_cast<size_t>(i * lines_)].values);
}

void Inputs::round(const float* x, int64_t columns, bool by_nibbles) {
  blocks_ = blocks_of(columns);
  lines_ = blocks_ * kGroup / Line<int16_t>::kValues;
  shorts_.resize(static_cast<size_t>(count_ * lines_));
  scales_.resize(static_cast<size_t>(count_ * blocks_));
  sums_.resize(scales_.size());
  for (int64_t i = 0; i < count_; ++i) {
    int16_t* values = shorts_[static_cast<size_t>(i * lines_)].values;
    for (int64_t block = 0; block < blocks_; ++block) {
      const int64_t first = block * kGroup;
      const Block rounded =
          round_block(x + i * columns + first, std::min(kGroup, columns - first), values + first);
      if (by_nibbles) order_by_nibbles(values + first);
      scales_[static_cast<size_t>(i * blocks_ + block)] = rounded.scale;
      sums_[static_cast<size_t>(i * blocks_ + block)] = rounded.sum;
    }
  }
}

void Inputs::assign(const float* x, int64_t count, int64_t columns, Format format) {
  count_ = count;
  if (format == Format::f32 || format == Format::bf16)
    copy(x, columns);
  else
    round(x, columns, format == Format::int4);
}

}  // namespace koi::kernels
