#include "koi/codec/layers.h"

namespace koi::codec {
namespace {

constexpr double kNormEpsilon = 1e-6;
constexpr int64_t kNoPadding = 0;  // padding is done before

at::Tensor empty_parameter(at::IntArrayRef shape) { return at::empty(shape, at::kFloat); }

}  // namespace

at::Tensor Conv::forward(const at::Tensor& x) const {
  const int64_t span = (weight.size(2) - 1) * dilation + 1;
  const int64_t length = x.size(2);
  const int64_t left = span - stride;
  const int64_t right = (length + stride - 1) / stride * stride - length;
  const at::Tensor padded = left + right > 0 ? at::constant_pad_nd(x, {left, right}) : x;
  return at::conv1d(padded, weight, bias, stride, kNoPadding, dilation, groups);
}

void Conv::visit(const std::string& prefix, const tensor::ParameterVisitor& visitor) {
  visitor(prefix + "weight", weight);
  visitor(prefix + "bias", bias);
}

at::Tensor TransposedConv::forward(const at::Tensor& x) const {
  const at::Tensor y = at::conv_transpose1d(x, weight, bias, stride);
  return y.narrow(2, 0, x.size(2) * stride);
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
  y = at::linear(y, pwconv2_weight, pwconv2_bias) * gamma;         // [B, L, D]
  return x + y.transpose(1, 2);
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
