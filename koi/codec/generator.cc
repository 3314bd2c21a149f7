#include "koi/codec/generator.h"

#include <algorithm>

namespace koi::codec {

Generator::Generator(const HeadConfig& config)
    : conv_pre(make_conv({.in = config.num_mels,
                          .out = config.upsample_initial_channel,
                          .kernel = config.pre_conv_kernel_size})) {
  int64_t width = config.upsample_initial_channel;
  for (size_t i = 0; i < config.upsample_rates.size(); ++i) {
    ups.push_back(make_transposed_conv({.in = width,
                                        .out = width / 2,
                                        .kernel = config.upsample_kernel_sizes[i],
                                        .stride = config.upsample_rates[i]}));
    width /= 2;
    std::vector<ResBlock>& stage = resblocks.emplace_back();
    for (size_t j = 0; j < config.resblock_kernel_sizes.size(); ++j) {
      ResBlock& block = stage.emplace_back();
      for (const int64_t dilation : config.resblock_dilation_sizes[j]) {
        const ConvSizes sizes = {.in = width,
                                 .out = width,
                                 .kernel = config.resblock_kernel_sizes[j],
                                 .dilation = dilation};
        block.convs1.push_back(make_conv(sizes));
        block.convs2.push_back(make_conv(sizes));
      }
    }
  }
  conv_post = make_conv({.in = width, .out = 1, .kernel = config.post_conv_kernel_size});
}

at::Tensor Generator::ResBlock::forward(const at::Tensor& x) const {
  at::Tensor y = x;
  for (size_t i = 0; i < convs1.size(); ++i)
    y = convs2[i].forward_silu(convs1[i].forward_silu(y)).add_(y);
  return y;
}

at::Tensor Generator::forward(const at::Tensor& z, const Trace& trace) const {
  at::Tensor x = conv_pre.forward(z);
  if (trace) trace("head_pre", x);
  for (size_t i = 0; i < ups.size(); ++i) {
    x = ups[i].forward(at::silu(x));
    if (trace) trace("head_up" + std::to_string(i), x);
    at::Tensor sum;
    for (const ResBlock& block : resblocks[i]) {
      const at::Tensor y = block.forward(x);
      sum = sum.defined() ? sum.add_(y) : y;
    }
    x = sum.div_(static_cast<int64_t>(resblocks[i].size()));
    if (trace) trace("head_res" + std::to_string(i), x);
  }
  return at::tanh(conv_post.forward_silu(x));
}

namespace {

// Checkpoints store the bias of a weight-normed convolution first.
template <typename Convolution>
void visit_normed(const std::string& prefix, Convolution& conv,
                  const tensor::ParameterVisitor& visitor) {
  visitor(prefix + "conv.bias", conv.bias);
  visitor(prefix + "conv.weight", conv.weight);
}

}  // namespace

void Generator::visit(const std::string& prefix, const tensor::ParameterVisitor& visitor) {
  visit_normed(prefix + "conv_pre.", conv_pre, visitor);
  for (size_t i = 0; i < ups.size(); ++i)
    visit_normed(prefix + "ups." + std::to_string(i) + ".", ups[i], visitor);
  for (size_t i = 0; i < resblocks.size(); ++i) {
    for (size_t j = 0; j < resblocks[i].size(); ++j) {
      const std::string at =
          prefix + "resblocks." + std::to_string(i) + ".blocks." + std::to_string(j) + ".";
      ResBlock& block = resblocks[i][j];
      for (size_t d = 0; d < block.convs1.size(); ++d)
        visit_normed(at + "convs1." + std::to_string(d) + ".", block.convs1[d], visitor);
      for (size_t d = 0; d < block.convs2.size(); ++d)
        visit_normed(at + "convs2." + std::to_string(d) + ".", block.convs2[d], visitor);
    }
  }
  visit_normed(prefix + "conv_post.", conv_post, visitor);
}

int64_t Generator::context() const {
  int64_t samples = conv_post.context();
  for (size_t i = ups.size(); i-- > 0;) {
    int64_t widest = 0;
    for (const ResBlock& block : resblocks[i]) {
      int64_t reach = 0;
      for (const Conv& conv : block.convs1) reach += conv.context();
      for (const Conv& conv : block.convs2) reach += conv.context();
      widest = std::max(widest, reach);
    }
    samples = ups[i].context(samples + widest);
  }
  return samples + conv_pre.context();
}

}  // namespace koi::codec
