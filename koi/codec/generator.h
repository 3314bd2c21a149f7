// The HiFi-GAN generator (Kong et al. 2020) with causal convolutions and SiLU: features to audio.
#pragma once

#include <vector>

#include "koi/codec/config.h"
#include "koi/codec/layers.h"

namespace koi::codec {

class Generator {
 public:
  explicit Generator(const HeadConfig& config);

  // float [B, D, L] -> audio [B, 1, L * hop], within (-1, 1). Traces "head_pre", "head_up<i>" (both
  // before their SiLU), "head_res<i>".
  at::Tensor forward(const at::Tensor& z, const Trace& trace = {}) const;
  // Bias before weight in each convolution, as checkpoints store weight-normed ones.
  void visit(const std::string& prefix, const tensor::ParameterVisitor& visitor);

  // Columns of z to the left that a sample sees.
  int64_t context() const;

  struct ResBlock {
    std::vector<Conv> convs1, convs2;
    at::Tensor forward(const at::Tensor& x) const;
  };
  Conv conv_pre, conv_post;
  std::vector<TransposedConv> ups;
  std::vector<std::vector<ResBlock>> resblocks;  // [stage][kernel]
};

}  // namespace koi::codec
