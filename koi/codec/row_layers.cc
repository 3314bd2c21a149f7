#include "koi/codec/row_layers.h"

#include <algorithm>

namespace koi::codec {
namespace {

// Rows of a tile: their sums and inputs stay in the second cache while all weights go by. A
// multiple of what the loops take at once.
constexpr int64_t kTileRows = 96;
// Floats of a tile's inputs in units, for the same reason.
constexpr int64_t kTileFloats = 32768;

// Zeros behind the last axis.
at::Tensor padded(const at::Tensor& x, int64_t size) {
  return at::constant_pad_nd(x, {0, size - x.size(-1)});
}

}  // namespace

RowBuffer::RowBuffer(int64_t lead, int64_t rows, int64_t width)
    : values_(at::empty({lead + rows, width}, at::kFloat)), lead_(lead), width_(width) {}

void RowBuffer::set(const at::Tensor& values) {
  const float* from = values.const_data_ptr<float>();
  for (int64_t i = 0; i < values.size(0); ++i)
    std::copy_n(from + i * values.size(1), values.size(1), row(i));
}

void RowSequence::join(int64_t history, RowBuffer& input, int64_t rows) {
  const int64_t count = history * input.width();
  if (next_ == memory_.size()) memory_.emplace_back(count);
  std::vector<float>& values = memory_[next_++];
  std::copy(values.begin(), values.end(), input.row(-history));
  std::copy_n(input.row(rows - history), count, values.begin());
}

// All threads get as many tiles.
int64_t RowSequence::tile_rows(int64_t rows) const {
  const auto threads = static_cast<int64_t>(team_->size());
  const int64_t tiles = (rows + kTileRows * threads - 1) / (kTileRows * threads) * threads;
  return std::max<int64_t>((rows + tiles - 1) / std::max<int64_t>(tiles, 1), 1);
}

int64_t RowSequence::tile_units(int64_t units, int64_t floats) const {
  const auto threads = static_cast<int64_t>(team_->size());
  const int64_t shared = (units + threads - 1) / threads;
  return std::clamp<int64_t>(kTileFloats / floats, 1, std::max<int64_t>(shared, 1));
}

RowConv::RowConv(const Conv& conv, Packing& packing) : dilation_(conv.dilation) {
  // Inputs of one stride lie in one row: taps become channels of it.
  const at::Tensor weights = conv.weight.permute({2, 1, 0});  // [kernel, in, out]
  if (conv.stride == 1) {
    input_width_ = row_width(weights.size(1));
    pack(weights, conv.bias, packing);
  } else {
    const int64_t width = row_width(weights.size(1));
    input_width_ = conv.stride * width;
    pack(at::constant_pad_nd(weights, {0, 0, 0, width - weights.size(1)})
             .reshape({1, input_width_, weights.size(2)}),
         conv.bias, packing);
  }
}

RowConv::RowConv(const Conv& conv, int64_t unit_rows, Packing& packing) {
  if (!BlockConv::pays(conv)) {
    *this = RowConv(conv, packing);
    return;
  }
  blocks_.emplace(conv, unit_rows, packing);
  input_width_ = row_width(conv.weight.size(1));
  output_width_ = row_width(conv.weight.size(0));
}

void RowConv::forward_units(const Piece& piece, int64_t first, int64_t last) const {
  const int64_t row = first * blocks_->unit_rows();
  blocks_->forward(piece.input.row(row), last - first, piece.output.row(row),
                   piece.sums == Sums::added);
}

RowConv::RowConv(const TransposedConv& conv, Packing& packing) {
  // Output i * stride + j sees input i - m by the kernel's j + m * stride.
  const at::Tensor weight = conv.weight.permute({2, 0, 1});  // [kernel, in, out]
  const int64_t width = row_width(weight.size(2));
  const int64_t taps = (weight.size(0) + conv.stride - 1) / conv.stride;
  const at::Tensor whole = at::constant_pad_nd(
      weight, {0, width - weight.size(2), 0, 0, 0, taps * conv.stride - weight.size(0)});
  input_width_ = row_width(weight.size(1));
  pack(whole.reshape({taps, conv.stride, weight.size(1), width})
           .flip(0)
           .transpose(1, 2)
           .reshape({taps, weight.size(1), conv.stride * width}),
       padded(conv.bias, width).repeat({conv.stride}), packing);
}

RowConv::RowConv(const at::Tensor& weight, const at::Tensor& bias, Packing& packing)
    : input_width_(row_width(weight.size(1))) {
  pack(weight.t().unsqueeze(0), bias, packing);
}

void RowConv::pack(const at::Tensor& weights, const at::Tensor& bias, Packing& packing) {
  output_width_ = row_width(weights.size(2));
  taps_ = weights.size(0);
  weights_ = packing.add_panels(weights);
  bias_ = padded_row(bias);
}

void RowConv::forward(RowBuffer& input, int64_t first, int64_t last, RowBuffer& output,
                      Sums sums) const {
  const int64_t tap_step = dilation_ * input_width_;
  const float* inputs = input.row(0) + (first - history()) * input_width_;
  float* outputs = output.row(0) + first * output_width_;
  for_chunks(packed_view(weights_), [&](const WeightChunk& chunk) {
    fastest_loops().convolve(
        {.input = inputs + chunk.tap * tap_step + chunk.input,
         .row_step = input_width_,
         .tap_step = tap_step,
         .taps = chunk.taps,
         .channels = chunk.inputs,
         .weights = chunk.weights,
         .bias = chunk.is_first() ? bias_.const_data_ptr<float>() + chunk.column : nullptr,
         .adds = !chunk.is_first() || sums == Sums::added,
         .output = outputs + chunk.column,
         .output_step = output_width_,
         .rows = last - first});
  });
}

RowNorm::RowNorm(const Norm& norm)
    : channels_(norm.weight.size(0)),
      weight_(padded_row(norm.weight)),
      bias_(padded_row(norm.bias)) {}

void RowNorm::forward(RowBuffer& x, int64_t first, int64_t last) const {
  fastest_loops().norm({.values = x.row(first),
                        .channels = channels_,
                        .width = x.width(),
                        .weight = weight_.const_data_ptr<float>(),
                        .bias = bias_.const_data_ptr<float>(),
                        .epsilon = kNormEpsilon,
                        .rows = last - first});
}

// Gamma is folded into the last product.
RowBlock::RowBlock(const ConvNeXtBlock& block, Packing& packing)
    : depthwise_weight_(padded_row(block.dwconv.weight.squeeze(1).t())),
      depthwise_bias_(padded_row(block.dwconv.bias)),
      norm_(block.norm),
      expand_(block.pwconv1_weight, block.pwconv1_bias, packing),
      contract_(block.pwconv2_weight * block.gamma.unsqueeze(1), block.pwconv2_bias * block.gamma,
                packing) {}

RowBlock::Work RowBlock::make_work(int64_t rows) const {
  return {RowBuffer(0, rows, expand_.input_width()), RowBuffer(0, rows, expand_.output_width())};
}

void RowBlock::forward(RowBuffer& x, int64_t rows, Work& work, RowSequence& sequence) const {
  sequence.join(history(), x, rows);
  const int64_t width = x.width();
  sequence.for_rows(rows, [&](int64_t first, int64_t last) {
    fastest_loops().convolve_depthwise({.input = x.row(first - history()),
                                        .taps = depthwise_weight_.size(0),
                                        .width = width,
                                        .weights = depthwise_weight_.const_data_ptr<float>(),
                                        .bias = depthwise_bias_.const_data_ptr<float>(),
                                        .output = work.normed.row(first),
                                        .rows = last - first});
    norm_.forward(work.normed, first, last);
  });
  // x is changed only now: the outputs of other threads see its rows.
  sequence.for_rows(rows, [&](int64_t first, int64_t last) {
    expand_.forward(work.normed, first, last, work.hidden);
    float* hidden = work.hidden.row(first);
    fastest_loops().gelu(hidden, (last - first) * work.hidden.width(), hidden);
    contract_.forward(work.hidden, first, last, x, RowConv::Sums::added);
  });
}

}  // namespace koi::codec
