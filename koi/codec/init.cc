#include "koi/codec/init.h"

#include <cmath>
#include <string_view>

#include "koi/base/random.h"
#include "koi/checkpoint/pth.h"
#include "koi/codec/weight_norm.h"
#include "koi/tensor/bridge.h"

namespace koi::codec {
namespace {

// Layer scale: large enough that blocks matter, small enough that stages of many blocks stay tame.
constexpr float kGamma = 0.3F;
bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// What a layer does to the power of a unit signal is 1, or what follows it makes up for: SiLU lets
// about a third through, a residual branch adds little, and the last one keeps tanh from clipping.
double gain(const std::string& name) {
  if (!name.starts_with("head.") || contains(name, "conv_pre")) return 1;
  if (contains(name, "conv_post")) return 0.3;
  return contains(name, "convs2") ? 0.4 : 1.6;
}

// Values that are summed up for one output.
int64_t inputs(const std::string& name, const at::Tensor& weight) {
  if (contains(name, "head.ups.")) return 2 * weight.size(0);  // kernels of two strides
  if (name.starts_with("quantizer.upsample.") && name.ends_with(".0.conv.weight"))
    return weight.size(0);  // kernels of one stride
  return weight[0].numel();
}

}  // namespace

void randomize(Firefly& model, uint64_t seed) {
  base::TorchRandom random(seed);
  model.visit([&](const std::string& name, at::Tensor& parameter) {
    if (name.ends_with("gamma")) {
      parameter = at::full_like(parameter, kGamma);
    } else if (parameter.dim() == 1) {
      parameter = name.ends_with("weight") ? at::ones_like(parameter) : at::zeros_like(parameter);
    } else {
      const double deviation = gain(name) / std::sqrt(static_cast<double>(inputs(name, parameter)));
      const auto limit = static_cast<float>(std::sqrt(3.0) * deviation);
      parameter = at::empty_like(parameter);
      auto* values = parameter.mutable_data_ptr<float>();
      for (int64_t i = 0; i < parameter.numel(); ++i) values[i] = random.uniform(-limit, limit);
    }
  });
}

tensor::NamedTensors published_tensors(Firefly& model) {
  tensor::NamedTensors folded;
  model.visit([&](const std::string& name, at::Tensor& parameter) {
    folded.emplace_back(name, parameter);
  });
  return unfold_weight_norm(folded);
}

void write_codec(Firefly& model, const base::fs::path& out, checkpoint::DType dtype) {
  const at::NoGradGuard no_grad;
  checkpoint::StateDict state;
  for (const auto& [name, value] : published_tensors(model))
    state.emplace_back(name, tensor::to_view(value.detach().to(tensor::scalar_type(dtype))));
  checkpoint::save_pth(out, checkpoint::from_state_dict(state));
  base::write_file(out.parent_path() / (std::string(kConfigName) + ".yaml"),
                   config_yaml(model.config()));
}

void init_codec(const FireflyConfig& config, uint64_t seed, const base::fs::path& out) {
  Firefly model(config);
  randomize(model, seed);
  write_codec(model, out);
}

}  // namespace koi::codec
