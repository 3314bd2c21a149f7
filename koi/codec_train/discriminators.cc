#include "koi/codec_train/discriminators.h"

#include <array>
#include <cmath>

#include "koi/codec_train/spectral_loss.h"
#include "koi/tensor/random.h"

namespace koi::codec_train {
namespace {

constexpr double kSlope = 0.1;  // of leaky ReLU

struct LayerSizes {
  int64_t in, out, down, across, stride_down = 1, stride_across = 1;
};

// [B, 1, N] -> [B, 1, frames, bins].
at::Tensor spectrogram(const at::Tensor& wave, int64_t window) {
  return magnitudes(wave.squeeze(1), {.n_fft = window, .hop = window / 4, .window = window})
      .unsqueeze(1)
      .transpose(2, 3);
}

// [B, 1, N] -> [B, 1, ceil(N / period), period], the end reflected.
at::Tensor folded(const at::Tensor& wave, int64_t period) {
  const int64_t rest = (period - wave.size(2) % period) % period;
  return at::reflection_pad1d(wave, {0, rest}).view({wave.size(0), 1, -1, period});
}

}  // namespace

Discriminators::Discriminators(const DiscriminatorConfig& config, uint64_t seed) : config_(config) {
  const at::Generator random = tensor::make_generator(seed);
  const auto make = [&](const std::vector<LayerSizes>& sizes) {
    Layers layers;
    for (const LayerSizes& s : sizes) {
      const double deviation = std::sqrt(2.0 / static_cast<double>(s.in * s.down * s.across));
      layers.push_back({at::randn({s.out, s.in, s.down, s.across}, random, at::kFloat) * deviation,
                        at::zeros({s.out}), s.stride_down, s.stride_across});
    }
    return layers;
  };
  const int64_t c = config.channels;
  for (size_t i = 0; i < config.periods.size(); ++i) {
    by_period_.push_back(make({{1, c, 5, 1, 3},
                               {c, 2 * c, 5, 1, 3},
                               {2 * c, 4 * c, 5, 1, 3},
                               {4 * c, 4 * c, 5, 1},
                               {4 * c, 1, 3, 1}}));
  }
  for (size_t i = 0; i < config.windows.size(); ++i) {
    by_window_.push_back(
        make({{1, c, 3, 9}, {c, c, 3, 9, 1, 2}, {c, c, 3, 9, 1, 2}, {c, c, 3, 3}, {c, 1, 3, 3}}));
  }
}

at::Tensor Discriminators::Layer::forward(const at::Tensor& x) const {
  const std::array<int64_t, 2> padding = {weight.size(2) / 2, weight.size(3) / 2};
  return at::conv2d(x, weight, bias, {stride_down, stride_across}, padding);
}

Judgement Discriminators::judge(const Layers& layers, const at::Tensor& picture) {
  Judgement judgement;
  at::Tensor x = picture;
  for (size_t i = 0; i + 1 < layers.size(); ++i) {
    x = at::leaky_relu(layers[i].forward(x), kSlope);
    judgement.features.push_back(x);
  }
  judgement.score = layers.back().forward(x);
  return judgement;
}

std::vector<Judgement> Discriminators::forward(const at::Tensor& wave) const {
  std::vector<Judgement> judgements;
  for (size_t i = 0; i < by_period_.size(); ++i)
    judgements.push_back(judge(by_period_[i], folded(wave, config_.periods[i])));
  for (size_t i = 0; i < by_window_.size(); ++i)
    judgements.push_back(judge(by_window_[i], spectrogram(wave, config_.windows[i])));
  return judgements;
}

void Discriminators::visit(const std::string& prefix, const tensor::ParameterVisitor& visitor) {
  const auto all = [&](const std::string& kind, std::vector<Layers>& group) {
    for (size_t i = 0; i < group.size(); ++i) {
      for (size_t j = 0; j < group[i].size(); ++j) {
        const std::string at = prefix + kind + std::to_string(i) + "." + std::to_string(j) + ".";
        visitor(at + "weight", group[i][j].weight);
        visitor(at + "bias", group[i][j].bias);
      }
    }
  };
  all("periods.", by_period_);
  all("windows.", by_window_);
}

at::Tensor discriminator_loss(const std::vector<Judgement>& real,
                              const std::vector<Judgement>& fake) {
  at::Tensor sum = at::zeros({});
  for (size_t i = 0; i < real.size(); ++i)
    sum = sum + (real[i].score - 1).square().mean() + fake[i].score.square().mean();
  return sum / static_cast<int64_t>(real.size());
}

at::Tensor adversarial_loss(const std::vector<Judgement>& fake) {
  at::Tensor sum = at::zeros({});
  for (const Judgement& judgement : fake) sum = sum + (judgement.score - 1).square().mean();
  return sum / static_cast<int64_t>(fake.size());
}

at::Tensor feature_loss(const std::vector<Judgement>& real, const std::vector<Judgement>& fake) {
  at::Tensor sum = at::zeros({});
  int64_t layers = 0;
  for (size_t i = 0; i < real.size(); ++i) {
    for (size_t j = 0; j < real[i].features.size(); ++j, ++layers) {
      const at::Tensor truth = real[i].features[j].detach();
      sum = sum + at::l1_loss(fake[i].features[j], truth) / truth.abs().mean().clamp_min(1e-6);
    }
  }
  return sum / layers;
}

}  // namespace koi::codec_train
