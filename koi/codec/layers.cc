#include "koi/codec/layers.h"

#include <array>

namespace koi::codec {
namespace {

constexpr std::array<int64_t, 2> kNoPadding = {0, 0};  // it is done before

at::Tensor empty_parameter(at::IntArrayRef shape) { return at::empty(shape, at::kFloat); }

// Convolutions run as 2-d ones of one row, [B, D, 1, L]. On the CPU the channels of a position lie
// together, with which thin layers run up to twice as fast; what is computed from them lies alike.
at::MemoryFormat row_format(const at::Tensor& x) {
  return x.is_cpu() ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
}

}  // namespace

at::Tensor Conv::forward(const at::Tensor& x) const { return convolve(x, Before::nothing); }

at::Tensor Conv::forward_silu(const at::Tensor& x) const { return convolve(x, Before::silu); }

at::Tensor Conv::convolve(const at::Tensor& x, Before before) const {
  const int64_t length = x.size(2);
  const int64_t left = (weight.size(2) - 1) * dilation + 1 - stride;
  const int64_t right = (length + stride - 1) / stride * stride - length;
  const at::Tensor input = x.unsqueeze(2);
  at::Tensor padded;
  if (at::GradMode::is_enabled()) {  // training: every step must have a gradient
    const at::Tensor rows = input.contiguous(row_format(x));
    padded = at::constant_pad_nd(before == Before::silu ? at::silu(rows) : rows, {left, right});
  } else {
    padded = at::empty({x.size(0), x.size(1), 1, left + length + right},
                       x.options().memory_format(row_format(x)));
    at::Tensor middle = padded.narrow(3, left, length);
    padded.narrow(3, 0, left).zero_();
    padded.narrow(3, left + length, right).zero_();
    if (before == Before::silu) {
      at::silu_out(middle, input);
    } else {
      middle.copy_(input);
    }
  }
  return at::conv2d(padded, weight.unsqueeze(2), bias, {1, stride}, kNoPadding, {1, dilation},
                    groups)
      .squeeze(2);
}

void Conv::visit(const std::string& prefix, const tensor::ParameterVisitor& visitor) {
  visitor(prefix + "weight", weight);
  visitor(prefix + "bias", bias);
}

at::Tensor TransposedConv::forward(const at::Tensor& x) const {
  const at::Tensor input = x.unsqueeze(2).contiguous(row_format(x));
  const at::Tensor y = at::conv_transpose2d(input, weight.unsqueeze(2), bias, {1, stride});
  return y.squeeze(2).narrow(2, 0, x.size(2) * stride);
}

void TransposedConv::visit(const std::string& prefix, const tensor::ParameterVisitor& visitor) {
  visitor(prefix + "weight", weight);
  visitor(prefix + "bias", bias);
}

Conv make_conv(const ConvSizes& sizes) {
  return {empty_parameter({sizes.out, sizes.in / sizes.groups, sizes.kernel}),
          empty_parameter({sizes.out}), sizes.stride, sizes.dilation, sizes.groups};
}

TransposedConv make_transposed_conv(const ConvSizes& sizes) {
  return {empty_parameter({sizes.in, sizes.out, sizes.kernel}), empty_parameter({sizes.out}),
          sizes.stride};
}

Norm::Norm(int64_t width) : weight(empty_parameter({width})), bias(empty_parameter({width})) {}

at::Tensor Norm::forward(const at::Tensor& x) const {
  return at::layer_norm(x, weight.sizes(), weight, bias, kNormEpsilon);
}

at::Tensor Norm::forward_channels(const at::Tensor& x) const {
  return forward(x.transpose(1, 2)).transpose(1, 2);
}

void Norm::visit(const std::string& prefix, const tensor::ParameterVisitor& visitor) {
  visitor(prefix + "weight", weight);
  visitor(prefix + "bias", bias);
}

ConvNeXtBlock::ConvNeXtBlock(int64_t width, int64_t kernel)
    : gamma(empty_parameter({width})),
      dwconv(make_conv({.in = width, .out = width, .kernel = kernel, .groups = width})),
      norm(width),
      pwconv1_weight(empty_parameter({4 * width, width})),
      pwconv1_bias(empty_parameter({4 * width})),
      pwconv2_weight(empty_parameter({width, 4 * width})),
      pwconv2_bias(empty_parameter({width})) {}

at::Tensor ConvNeXtBlock::forward(const at::Tensor& x) const {
  at::Tensor y = norm.forward(dwconv.forward(x).transpose(1, 2));  // [B, L, D]
  y = at::gelu(at::linear(y, pwconv1_weight, pwconv1_bias));       // [B, L, 4 D]
  y = at::linear(y, pwconv2_weight, pwconv2_bias);                 // [B, L, D]
  return at::addcmul(x.transpose(1, 2), y, gamma).transpose(1, 2);
}

void ConvNeXtBlock::visit(const std::string& prefix, const tensor::ParameterVisitor& visitor) {
  visitor(prefix + "gamma", gamma);
  dwconv.visit(prefix + "dwconv.conv.", visitor);
  norm.visit(prefix + "norm.", visitor);
  visitor(prefix + "pwconv1.weight", pwconv1_weight);
  visitor(prefix + "pwconv1.bias", pwconv1_bias);
  visitor(prefix + "pwconv2.weight", pwconv2_weight);
  visitor(prefix + "pwconv2.bias", pwconv2_bias);
}

at::Tensor length_mask(const std::vector<int64_t>& lengths, int64_t size, const at::Tensor& like) {
  const at::Tensor ends = at::tensor(lengths).to(like.device()).view({-1, 1, 1});
  return (at::arange(size, ends.options()) < ends).to(like.scalar_type());
}

}  // namespace koi::codec
