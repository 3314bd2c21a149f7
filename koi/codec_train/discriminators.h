// What tells recordings from generated sound, so that the generator learns what spectral losses do
// not say: a multi-period discriminator (Kong et al. 2020, HiFi-GAN) and one that looks at
// spectrograms of several resolutions (Jang et al. 2021, UnivNet), both small.
#pragma once

#include <cstdint>
#include <vector>

#include "koi/tensor/parameters.h"

namespace koi::codec_train {

struct DiscriminatorConfig {
  std::vector<int64_t> periods = {2, 3, 5, 7, 11};
  std::vector<int64_t> windows = {512, 1024, 2048};  // of the spectrograms, hop a quarter, samples
  int64_t channels = 16;  // of the first layer; up to four times as many behind it
};

// What one discriminator says of a batch: `score` near 1 for a recording, near 0 for what is not
// one, any shape that begins with B; `features`, the outputs of its layers.
struct Judgement {
  at::Tensor score;
  std::vector<at::Tensor> features;
};

class Discriminators {
 public:
  // Random weights, equal for equal seeds.
  Discriminators(const DiscriminatorConfig& config, uint64_t seed);

  // `wave` float [B, 1, N], N at least the longest window -> one judgement for each period, then
  // one for each window.
  std::vector<Judgement> forward(const at::Tensor& wave) const;
  void visit(const std::string& prefix, const tensor::ParameterVisitor& visitor);

 private:
  struct Layer {  // a 2-d convolution; padded so that stride 1 keeps the size
    at::Tensor weight, bias;
    int64_t stride_down = 1, stride_across = 1;
    at::Tensor forward(const at::Tensor& x) const;
  };
  using Layers = std::vector<Layer>;  // the last one gives the score
  static Judgement judge(const Layers& layers, const at::Tensor& picture);

  DiscriminatorConfig config_;
  std::vector<Layers> by_period_, by_window_;
};

// Least squares (Mao et al. 2017), means over the discriminators. `real` and `fake`: of recordings
// and of what was generated for them.
at::Tensor discriminator_loss(const std::vector<Judgement>& real,
                              const std::vector<Judgement>& fake);
at::Tensor adversarial_loss(const std::vector<Judgement>& fake);

// The mean over all layers of the features' mean difference over the real ones' mean size, which
// makes layers and widths count alike. Differs: HiFi-GAN takes the differences as they are.
at::Tensor feature_loss(const std::vector<Judgement>& real, const std::vector<Judgement>& fake);

}  // namespace koi::codec_train
