// Finite scalar quantisation (Mentzer et al. 2023): each of a few numbers is bounded and rounded to
// one of its levels; the digits make one code. n is the number of levels' entries ("digits").
#pragma once

#include <cstdint>
#include <vector>

#include "koi/tensor/torch.h"

namespace koi::codec {

class Fsq {
 public:
  // Level counts of the digits, the first digit varies fastest.
  explicit Fsq(std::vector<int64_t> levels);

  // z [..., n] -> tanh(z + shift) * half - offset, all constants rounded to float32.
  at::Tensor bound(const at::Tensor& z) const;
  // What bound gives -> the nearest levels scaled to [-1, 1]; halves round to even.
  at::Tensor round_levels(const at::Tensor& bounded) const;
  // round_levels for training: drawn towards the levels by `fade` (0 to 1; 1 gives round_levels bit
  // for bit), with gradients as if nothing had been rounded.
  at::Tensor round_softly(const at::Tensor& bounded, double fade) const;
  // What round_levels gives -> int64 codes [...], 0 .. size-1.
  at::Tensor codes(const at::Tensor& quantised) const;
  // int64 codes [...] -> [..., n] in [-1, 1].
  at::Tensor dequantise(const at::Tensor& codes) const;

  int64_t size() const { return size_; }
  int64_t digits() const { return static_cast<int64_t>(levels_.size()); }
  const std::vector<int64_t>& levels() const { return levels_; }

 private:
  std::vector<int64_t> levels_;
  int64_t size_ = 1;
  // All on the CPU, moved to where the values are when used; float32 [n], basis int64 [n].
  at::Tensor half_, offset_, shift_, half_width_, basis_;
};

}  // namespace koi::codec
