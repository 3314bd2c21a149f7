// Long or wide convolutions in half the multiplications (Toom-Cook, as in Winograd 1980 and Lavin &
// Gray 2015): four outputs of four taps out of seven products instead of sixteen.
#pragma once

#include "koi/codec/layers.h"
#include "koi/codec/loops.h"
#include "koi/codec/packed_weights.h"

namespace koi::codec {

// Outputs i, i + d, i + 2 d, i + 3 d (d the dilation) make a block, and as many taps do. Each of
// kPoints sums of a block's inputs is multiplied by as many sums of its taps; the products of all
// blocks of taps are added up before the outputs are made of them. The blocks begin anew with each
// unit of rows, and a block that passes a unit's end sees zeros there: what comes out of a unit
// depends on it and the rows before it only.
class BlockConv {
 public:
  // Outputs of a block, and its taps.
  static constexpr int64_t kBlock = 4;
  static constexpr int64_t kPoints = 2 * kBlock - 1;

  // Whether it is faster than the plain way.
  static bool pays(const Conv& conv);
  // A convolution of stride 1 and one group, in units of `unit_rows` rows.
  BlockConv(const Conv& conv, int64_t unit_rows, Packing& packing);

  // Rows before a unit that it sees: more than the convolution's own by what fills up the last
  // block of taps, with zeros.
  int64_t history() const { return (kBlock * taps_ - 1) * dilation_; }
  int64_t unit_rows() const { return unit_rows_; }
  // `units` units: rows of row_width(channels) floats from `input` on (the history before it) to
  // `output`. The sums begin with the bias, with `adds` with the output's values too.
  void forward(const float* input, int64_t units, float* output, bool adds) const;

 private:
  int64_t unit_rows_, dilation_;
  int64_t groups_;    // of `dilation` blocks each, in a unit
  int64_t taps_ = 0;  // blocks of them
  int64_t channels_ = 0, input_width_ = 0, output_width_ = 0;
  at::Tensor weights_, bias_;  // [point, panel, tap, channel, kPanel], [output_width]
};

}  // namespace koi::codec
