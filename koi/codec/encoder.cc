#include "koi/codec/encoder.h"

namespace koi::codec {

Encoder::Encoder(const BackboneConfig& config) : norm(config.dims.back()) {
  for (size_t i = 0; i < config.dims.size(); ++i) {
    const int64_t width = config.dims[i];
    if (i == 0) {
      downsample_layers.push_back(
          {make_conv({.in = config.input_channels, .out = width, .kernel = config.kernel_size}),
           Norm(width)});
    } else {
      const int64_t before = config.dims[i - 1];
      downsample_layers.push_back(
          {make_conv({.in = before, .out = width, .kernel = 1}), Norm(before)});
    }
    std::vector<ConvNeXtBlock>& stage = stages.emplace_back();
    for (int64_t block = 0; block < config.depths[i]; ++block)
      stage.emplace_back(width, config.kernel_size);
  }
}

at::Tensor Encoder::forward(const at::Tensor& mel, const Trace& trace) const {
  at::Tensor x = mel;
  for (size_t i = 0; i < stages.size(); ++i) {
    const Downsample& down = downsample_layers[i];
    x = i == 0 ? down.norm.forward_channels(down.conv.forward(x))
               : down.conv.forward(down.norm.forward_channels(x));
    if (trace) trace("backbone_down" + std::to_string(i), x);
    for (const ConvNeXtBlock& block : stages[i]) x = block.forward(x);
    if (trace) trace("backbone_stage" + std::to_string(i), x);
  }
  return norm.forward_channels(x);
}

void Encoder::visit(const std::string& prefix, const tensor::ParameterVisitor& visitor) {
  for (size_t i = 0; i < downsample_layers.size(); ++i) {
    Downsample& down = downsample_layers[i];
    const std::string at = prefix + "downsample_layers." + std::to_string(i) + ".";
    if (i == 0) {
      down.conv.visit(at + "0.conv.", visitor);
      down.norm.visit(at + "1.", visitor);
    } else {
      down.norm.visit(at + "0.", visitor);
      down.conv.visit(at + "1.", visitor);
    }
  }
  for (size_t i = 0; i < stages.size(); ++i) {
    for (size_t block = 0; block < stages[i].size(); ++block) {
      stages[i][block].visit(
          prefix + "stages." + std::to_string(i) + "." + std::to_string(block) + ".", visitor);
    }
  }
  norm.visit(prefix + "norm.", visitor);
}

int64_t Encoder::context() const {
  int64_t frames = downsample_layers.front().conv.context();
  for (const auto& stage : stages) {
    for (const ConvNeXtBlock& block : stage) frames += block.dwconv.context();
  }
  return frames;
}

}  // namespace koi::codec
