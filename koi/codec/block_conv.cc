#include "koi/codec/block_conv.h"

#include <algorithm>
#include <array>

namespace koi::codec {
namespace {

// The points at which polynomials are multiplied, and what makes the inputs' sums whole numbers
// (loops_body.h); the last one is infinity, where only the highest power counts.
constexpr std::array<double, 6> kAt = {0, 1, -1, 2, -2, 0.5};
constexpr std::array<double, BlockConv::kPoints> kScale = {1.0 / 4,   1.0 / 6,   1.0 / 18, 1.0 / 72,
                                                           1.0 / 120, 32.0 / 45, 1.0 / 2};

// [point][power]: what a block of taps, the oldest first, is multiplied by.
using TapSums = std::array<std::array<double, BlockConv::kBlock>, BlockConv::kPoints>;

TapSums tap_sums() {
  TapSums sums{};
  for (size_t p = 0; p < kAt.size(); ++p) {
    double power = kScale[p];
    for (double& sum : sums[p]) {
      sum = power;
      power *= kAt[p];
    }
  }
  sums.back().back() = kScale.back();
  return sums;
}

// One conv's weights [out, in, kernel] -> [point, panel, block of taps, channel, kPanel]. Zeros
// before the oldest tap fill up its block.
void fill_points(const at::Tensor& weight, int64_t blocks, float* values) {
  const TapSums sums = tap_sums();
  const float* from = weight.const_data_ptr<float>();
  const int64_t outputs = weight.size(0), channels = weight.size(1), kernel = weight.size(2);
  const int64_t panels = row_width(outputs) / kPanel;
  const int64_t point_step = panels * blocks * channels * kPanel;
  const int64_t filled = BlockConv::kBlock * blocks - kernel;
  for (int64_t panel = 0; panel < panels; ++panel) {
    const int64_t there = std::min(kPanel, outputs - panel * kPanel);
    for (int64_t c = 0; c < channels; ++c) {
      const float* row = from + (panel * kPanel * channels + c) * kernel;
      for (int64_t block = 0; block < blocks; ++block) {
        double taps[BlockConv::kBlock][kPanel] = {};
        for (int64_t t = 0; t < BlockConv::kBlock; ++t) {
          const int64_t tap = BlockConv::kBlock * block + t - filled;
          for (int64_t j = 0; tap >= 0 && j < there; ++j)
            taps[t][j] = row[j * channels * kernel + tap];
        }
        float* to = values + ((panel * blocks + block) * channels + c) * kPanel;
        for (const auto& powers : sums) {
          for (int64_t j = 0; j < kPanel; ++j) {
            double sum = 0;
            for (size_t t = 0; t < powers.size(); ++t) sum += powers[t] * taps[t][j];
            to[j] = static_cast<float>(sum);
          }
          to += point_step;
        }
      }
    }
  }
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

BlockConv::BlockConv(const Conv& conv, int64_t unit_rows, Packing& packing)
    : unit_rows_(unit_rows),
      dilation_(conv.dilation),
      groups_((unit_rows + kBlock * conv.dilation - 1) / (kBlock * conv.dilation)),
      taps_((conv.weight.size(2) + kBlock - 1) / kBlock),
      channels_(conv.weight.size(1)),
      input_width_(row_width(channels_)),
      output_width_(row_width(conv.weight.size(0))),
      bias_(padded_row(conv.bias)) {
  const at::Tensor weight = conv.weight.to(at::kFloat).contiguous();
  weights_ =
      packing.add({kPoints, output_width_ / kPanel, taps_, channels_, kPanel},
                  [weight, blocks = taps_](float* values) { fill_points(weight, blocks, values); });
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
