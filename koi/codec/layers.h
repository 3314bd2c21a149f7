// The layers that encoder, quantizer and generator are made of. All convolutions are causal: an
// output sees nothing to its right but what completes the last stride.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "koi/tensor/parameters.h"

namespace koi::codec {

// What observers of tests see: a stage's name ("backbone_stage0", "zq", "head_up1") and its value,
// [B, D, length] unless said otherwise.
using Trace = std::function<void(const std::string& stage, const at::Tensor& value)>;

// A 1-d convolution, stride 1 unless it is strided(). weight [out, in / groups, kernel], bias
// [out].
struct Conv {
  at::Tensor weight, bias;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t groups = 1;

  // [B, in, L] -> [B, out, ceil(L / stride)]. Pads (kernel - 1) * dilation + 1 - stride zeros on
  // the left, and on the right only what completes the last stride.
  at::Tensor forward(const at::Tensor& x) const;
  at::Tensor forward_silu(const at::Tensor& x) const;  // forward(silu(x)), in one pass less
  void visit(const std::string& prefix, const tensor::ParameterVisitor& visitor);  // weight, bias
  // Inputs to the left of its own that an output sees, with stride 1.
  int64_t context() const { return (weight.size(2) - 1) * dilation; }

 private:
  enum class Before { nothing, silu };
  at::Tensor convolve(const at::Tensor& x, Before before) const;
};

// A transposed convolution that crops kernel - stride samples on the right. weight
// [in, out, kernel], bias [out].
struct TransposedConv {
  at::Tensor weight, bias;
  int64_t stride = 1;

  at::Tensor forward(const at::Tensor& x) const;  // [B, in, L] -> [B, out, L * stride]
  void visit(const std::string& prefix, const tensor::ParameterVisitor& visitor);
  // Inputs to the left of its own that an output and the `outputs` before it see.
  int64_t context(int64_t outputs) const { return (outputs + weight.size(2) - 1) / stride; }
};

struct ConvSizes {
  int64_t in = 1, out = 1, kernel = 1;
  int64_t stride = 1, dilation = 1, groups = 1;
};
Conv make_conv(const ConvSizes& sizes);
TransposedConv make_transposed_conv(const ConvSizes& sizes);

// Layer normalisation over the D channels, biased variance. weight, bias [D].
inline constexpr float kNormEpsilon = 1e-6F;
struct Norm {
  at::Tensor weight, bias;

  explicit Norm(int64_t width = 0);
  at::Tensor forward(const at::Tensor& x) const;           // [B, L, D], normed over D
  at::Tensor forward_channels(const at::Tensor& x) const;  // [B, D, L], normed over D
  void visit(const std::string& prefix, const tensor::ParameterVisitor& visitor);
};

// ConvNeXt block (Liu et al. 2022): x + gamma * pwconv2(gelu(pwconv1(norm(dwconv(x))))), exact
// GELU.
struct ConvNeXtBlock {
  at::Tensor gamma;  // [D]
  Conv dwconv;       // depthwise
  Norm norm;
  at::Tensor pwconv1_weight, pwconv1_bias;  // [4 D, D], [4 D]
  at::Tensor pwconv2_weight, pwconv2_bias;  // [D, 4 D], [D]

  ConvNeXtBlock(int64_t width, int64_t kernel);
  at::Tensor forward(const at::Tensor& x) const;  // [B, D, L] -> [B, D, L]
  void visit(const std::string& prefix, const tensor::ParameterVisitor& visitor);
};

// 1 where a position is within its row's length, else 0: float [B, 1, size].
at::Tensor length_mask(const std::vector<int64_t>& lengths, int64_t size, const at::Tensor& like);

}  // namespace koi::codec
