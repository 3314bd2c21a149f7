#include "koi/codec/block_conv.h"

#include <array>
#include <vector>

#include "koi/codec/packed_weights.h"

namespace koi::codec {
namespace {

// The points at which polynomials are multiplied, and what makes the inputs' sums whole numbers
// (loops_body.h); the last one is infinity, where only the highest power counts.
constexpr std::array<double, 6> kAt = {0, 1, -1, 2, -2, 0.5};
constexpr std::array<double, BlockConv::kPoints> kScale = {1.0 / 4,   1.0 / 6,   1.0 / 18, 1.0 / 72,
                                                           1.0 / 120, 32.0 / 45, 1.0 / 2};

// [point, power]: what a block of taps, the newest last, is multiplied by.
at::Tensor tap_sums() {
  const at::Tensor sums = at::zeros({BlockConv::kPoints, BlockConv::kBlock}, at::kDouble);
  for (int64_t p = 0; p < BlockConv::kPoints; ++p) {
    double power = kScale[static_cast<size_t>(p)];
    const bool infinite = p + 1 == BlockConv::kPoints;
    for (int64_t t = 0; t < BlockConv::kBlock; ++t) {
      if (!infinite || t + 1 == BlockConv::kBlock) sums[p][t] = power;
      if (!infinite) power *= kAt[static_cast<size_t>(p)];
    }
  }
  return sums;
}

// Of this thread, as large as it was ever needed.
float* scratch(int64_t count) {
  thread_local at::Tensor values = at::empty({0}, at::kFloat);
  if (values.numel() < count) values = at::empty({count}, at::kFloat);
  return values.mutable_data_ptr<float>();
}

}  // namespace

// Below that, making sums takes more than half of the products.
bool BlockConv::pays(const Conv& conv) {
  constexpr int64_t kLeastTerms = 192;
  return conv.stride == 1 && conv.groups == 1 && conv.weight.size(2) >= 3 &&
         conv.weight.size(1) * conv.weight.size(2) >= kLeastTerms;
}

BlockConv::BlockConv(const Conv& conv, int64_t unit_rows)
    : unit_rows_(unit_rows),
      dilation_(conv.dilation),
      groups_((unit_rows + kBlock * conv.dilation - 1) / (kBlock * conv.dilation)),
      taps_((conv.weight.size(2) + kBlock - 1) / kBlock),
      channels_(conv.weight.size(1)),
      input_width_(row_width(channels_)),
      output_width_(row_width(conv.weight.size(0))),
      bias_(padded_row(conv.bias)) {
  // [taps, in, out], the oldest first; zeros before it fill up the oldest block.
  const at::Tensor taps = conv.weight.permute({2, 1, 0}).to(at::kDouble);
  const at::Tensor whole =
      at::constant_pad_nd(taps, {0, 0, 0, 0, kBlock * taps_ - taps.size(0), 0});
  const at::Tensor blocks = whole.reshape({taps_, kBlock, -1});
  weights_ = pack_weights(at::matmul(tap_sums().unsqueeze(1).unsqueeze(1), blocks)  // [p, s, 1, *]
                              .to(at::kFloat)
                              .view({kPoints, taps_, channels_, taps.size(2)}));
}

void BlockConv::forward(const float* input, int64_t units, float* output, bool adds) const {
  const Loops& loops = fastest_loops();
  const int64_t block_rows = groups_ * dilation_;               // of a unit, for each point
  const int64_t older = (taps_ - 1) * dilation_;                // before them
  const int64_t in_unit = (older + block_rows) * input_width_;  // floats
  const int64_t out_unit = block_rows * output_width_;
  float* sums = scratch(units * kPoints * (in_unit + out_unit));  // [point, unit, row, channel]
  float* products = sums + units * kPoints * in_unit;
  for (int64_t u = 0; u < units; ++u) {
    loops.block_inputs({.rows = input + u * unit_rows_ * input_width_,
                        .width = input_width_,
                        .dilation = dilation_,
                        .first_group = 1 - taps_,
                        .groups = groups_,
                        .unit_rows = unit_rows_,
                        .points = sums + u * in_unit,
                        .point_step = units * in_unit});
  }
  PackedWeights weights = packed_view(weights_);
  for (int64_t p = 0; p < kPoints; ++p, weights.values += weights_.stride(0)) {
    for_chunks(weights, [&](const WeightChunk& chunk) {
      for (int64_t u = 0; u < units; ++u) {
        loops.convolve({.input = sums + (p * units + u) * in_unit +
                                 chunk.tap * dilation_ * input_width_ + chunk.input,
                        .row_step = input_width_,
                        .tap_step = dilation_ * input_width_,
                        .taps = chunk.taps,
                        .channels = chunk.inputs,
                        .weights = chunk.weights,
                        .adds = !chunk.is_first(),
                        .output = products + (p * units + u) * out_unit + chunk.column,
                        .output_step = output_width_,
                        .rows = block_rows});
      }
    });
  }
  for (int64_t u = 0; u < units; ++u) {
    loops.block_outputs({.points = products + u * out_unit,
                         .point_step = units * out_unit,
                         .width = output_width_,
                         .dilation = dilation_,
                         .groups = groups_,
                         .unit_rows = unit_rows_,
                         .bias = bias_.const_data_ptr<float>(),
                         .adds = adds,
                         .rows = output + u * unit_rows_ * output_width_});
  }
}

}  // namespace koi::codec
