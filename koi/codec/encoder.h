// The ConvNeXt encoder: log-mel frames to the features that are quantised.
#pragma once

#include <vector>

#include "koi/codec/config.h"
#include "koi/codec/layers.h"

namespace koi::codec {

class Encoder {
 public:
  explicit Encoder(const BackboneConfig& config);

  // float [B, M, F] -> [B, D, F]. Traces "backbone_down<i>", "backbone_stage<i>".
  at::Tensor forward(const at::Tensor& mel, const Trace& trace = {}) const;
  void visit(const std::string& prefix, const tensor::ParameterVisitor& visitor);

  at::Device device() const { return norm.weight.device(); }
  // Frames to the left that an output frame sees.
  int64_t context() const;

  struct Downsample {  // the stem: conv, then norm; between stages: norm, then a 1x1 conv
    Conv conv;
    Norm norm;
  };
  std::vector<Downsample> downsample_layers;
  std::vector<std::vector<ConvNeXtBlock>> stages;
  Norm norm;
};

}  // namespace koi::codec
