#include "koi/codec_train/model.h"

#include "koi/codec/init.h"
#include "koi/codec_train/same_codec.h"
#include "koi/tensor/random.h"

namespace koi::codec_train {
namespace {

codec::Firefly make_codec(const Settings& settings) {
  if (!settings.begin_with) {
    codec::Firefly fresh(settings.codec);
    codec::randomize(fresh, settings.seed);
    return fresh;
  }
  const base::fs::path sizes =
      settings.begin_with->parent_path() / (std::string(codec::kConfigName) + ".yaml");
  if (base::fs::exists(sizes))
    require_same_codec(settings.codec, codec::config_yaml(codec::read_config(sizes)),
                       settings.begin_with->string());
  codec::Firefly loaded = codec::load_firefly(*settings.begin_with, settings.codec);
  // Memory of the process's own: a loaded tensor lies in the file's map.
  loaded.visit([](const std::string&, at::Tensor& value) { value = value.clone(); });
  return loaded;
}

}  // namespace

bool decodes(std::string_view name) {
  return name.starts_with("head.") || name.starts_with("quantizer.upsample.") ||
         name.find("project_out") != std::string_view::npos;
}

Model::Model(const Settings& settings)
    : codec(make_codec(settings)),
      discriminators(settings.discriminators, settings.seed + 1),
      readout_bias_(at::zeros({settings.codec.spec_transform.n_mels})) {
  const int64_t width = settings.codec.quantizer.input_dim;
  readout_weight_ = at::randn({readout_bias_.size(0), width, 1},
                              tensor::make_generator(settings.seed + 2), at::kFloat) /
                    std::sqrt(static_cast<double>(width));
}

void Model::visit(const tensor::ParameterVisitor& visitor) {
  codec.visit([&](const std::string& name, at::Tensor& value) { visitor("codec." + name, value); });
  visitor("readout.weight", readout_weight_);
  visitor("readout.bias", readout_bias_);
  discriminators.visit("discriminators.", visitor);
}

Model::Part Model::trained(Stage stage, const std::string& name) {
  if (name.starts_with("discriminators."))
    return stage == Stage::adversarial ? Part::discriminators : Part::nothing;
  if (stage == Stage::encoder) return name.starts_with("codec.head.") ? Part::nothing : Part::codec;
  constexpr std::string_view kCodec = "codec.";
  const bool speaks =
      name.starts_with(kCodec) && decodes(std::string_view(name).substr(kCodec.size()));
  return speaks ? Part::codec : Part::nothing;
}

Model::Heard Model::hear(const at::Tensor& mel, double fade) const {
  at::Tensor x = codec.backbone.forward(mel);
  for (const auto& [conv, block] : codec.quantizer.downsample) x = block.forward(conv.forward(x));
  const codec::Quantizer::Soft soft = codec.quantizer.quantise_softly(x, fade);
  at::Tensor z = soft.features;
  for (const auto& [conv, block] : codec.quantizer.upsample) z = block.forward(conv.forward(z));
  return {at::conv1d(z, readout_weight_, readout_bias_), soft.projected};
}

at::Tensor Model::speak(const at::Tensor& codes) const {
  return codec.head.forward(codec.quantizer.decode(codes));
}

void Model::spread_inputs(const at::Tensor& mel, double deviation) {
  const at::NoGradGuard no_grad;
  codec.quantizer.spread_inputs(hear(mel, 0).projected, deviation);
}

void Model::center_readout(const at::Tensor& mel) {
  const at::NoGradGuard no_grad;
  readout_bias_.copy_(mel.mean({0, 2}));
}

}  // namespace koi::codec_train
