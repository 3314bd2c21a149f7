#include "koi/codec/quantizer.h"

namespace koi::codec {

Quantizer::Quantizer(const QuantizerConfig& config) : config_(config), fsq_(config.levels) {
  const int64_t width = config.input_dim;
  const int64_t group_width = width / config.n_groups;
  const int64_t digits = fsq_.digits();
  for (int64_t g = 0; g < config.n_groups; ++g) {
    Group& group = groups_.emplace_back();
    if (group_width == digits) continue;
    group.project_in = {at::empty({digits, group_width}), at::empty({digits})};
    group.project_out = {at::empty({group_width, digits}), at::empty({group_width})};
  }
  const at::Tensor steps = at::tensor(config.levels).to(at::kFloat) - 1;
  for (int64_t r = 0; r < config.n_codebooks; ++r) scales_.push_back(at::pow(steps, -r));
  constexpr int64_t kBlockKernel = 7;
  for (const int64_t factor : config.downsample_factor) {
    downsample.emplace_back(
        make_conv({.in = width, .out = width, .kernel = factor, .stride = factor}),
        ConvNeXtBlock(width, kBlockKernel));
  }
  for (auto factor = config.downsample_factor.rbegin(); factor != config.downsample_factor.rend();
       ++factor) {
    upsample.emplace_back(
        make_transposed_conv({.in = width, .out = width, .kernel = *factor, .stride = *factor}),
        ConvNeXtBlock(width, kBlockKernel));
  }
}

at::Tensor Quantizer::encode(const at::Tensor& features, const Trace& trace) const {
  at::Tensor x = features;
  for (const auto& [conv, block] : downsample) x = block.forward(conv.forward(x));
  if (trace) trace("latent", x);
  return latent_to_codes(x, trace);
}

at::Tensor Quantizer::latent_to_codes(const at::Tensor& latent, const Trace& trace) const {
  const auto count = static_cast<int64_t>(groups_.size());
  const std::vector<at::Tensor> parts = latent.transpose(1, 2).chunk(count, -1);  // [B, T, D / G]
  std::vector<at::Tensor> projected, bounded, prerounding, codes;
  for (size_t g = 0; g < groups_.size(); ++g) {
    projected.push_back(groups_[g].project_in.forward(parts[g]));  // [B, T, n]
    at::Tensor residual = bounded.emplace_back(fsq_.bound(projected.back()));
    for (size_t r = 0; r < scales_.size(); ++r) {
      const at::Tensor scale = scales_[r].to(residual.device());
      const at::Tensor z = fsq_.bound(residual / scale);
      if (r == 0) prerounding.push_back(z);
      const at::Tensor quantised = fsq_.round_levels(z);
      codes.push_back(fsq_.codes(quantised));  // [B, T]
      residual = residual - quantised * scale;
    }
  }
  if (trace) {
    trace("fsq_projected", at::stack(projected, 1));
    trace("fsq_bound1", at::stack(bounded, 1));
    trace("fsq_prerounding", at::stack(prerounding, 1));
  }
  return at::stack(codes, 1);
}

Quantizer::Soft Quantizer::quantise_softly(const at::Tensor& latent, double fade) const {
  const auto count = static_cast<int64_t>(groups_.size());
  const std::vector<at::Tensor> parts = latent.transpose(1, 2).chunk(count, -1);  // [B, T, D / G]
  std::vector<at::Tensor> features, projected;
  for (size_t g = 0; g < groups_.size(); ++g) {
    projected.push_back(groups_[g].project_in.forward(parts[g]));  // [B, T, n]
    at::Tensor residual = fsq_.bound(projected.back()), sum;
    for (const at::Tensor& cpu_scale : scales_) {
      const at::Tensor scale = cpu_scale.to(residual.device());
      const at::Tensor value = fsq_.round_softly(fsq_.bound(residual / scale), fade) * scale;
      sum = sum.defined() ? sum + value : value;
      residual = residual - value;
    }
    features.push_back(groups_[g].project_out.forward(sum));
  }
  return {at::cat(features, -1).transpose(1, 2), at::cat(projected, -1)};
}

void Quantizer::spread_inputs(const at::Tensor& projected, double deviation) {
  const at::NoGradGuard no_grad;
  const auto count = static_cast<int64_t>(groups_.size());
  const std::vector<at::Tensor> parts = projected.flatten(0, 1).chunk(count, -1);  // [B T, n]
  for (size_t g = 0; g < groups_.size(); ++g) {
    GroupProjection& in = groups_[g].project_in;
    if (!in.weight.defined()) continue;
    const at::Tensor gain = deviation / parts[g].std(0).clamp_min(1e-6);  // [n]
    in.bias.copy_((in.bias - parts[g].mean(0)) * gain);
    in.weight.mul_(gain.unsqueeze(1));
  }
}

at::Tensor Quantizer::dequantise(const at::Tensor& codes) const {
  std::vector<at::Tensor> parts;
  for (size_t g = 0; g < groups_.size(); ++g) {
    at::Tensor sum;
    for (size_t r = 0; r < scales_.size(); ++r) {
      const at::Tensor row = codes.select(1, static_cast<int64_t>(g * scales_.size() + r));
      const at::Tensor value = fsq_.dequantise(row) * scales_[r].to(codes.device());  // [B, T, n]
      sum = sum.defined() ? sum + value : value;
    }
    parts.push_back(sum);
  }
  return at::cat(parts, -1);
}

Quantizer::Projection Quantizer::joint_projection() const {
  std::vector<at::Tensor> weights, biases;
  for (const auto& [unused, out] : groups_) {
    const bool is_there = out.weight.defined();
    weights.push_back(is_there ? out.weight : at::eye(fsq_.digits()));
    biases.push_back(is_there ? out.bias : at::zeros(fsq_.digits()));
  }
  return {at::block_diag(weights), at::cat(biases)};
}

at::Tensor Quantizer::codes_to_latent(const at::Tensor& codes) const {
  const auto count = static_cast<int64_t>(groups_.size());
  std::vector<at::Tensor> parts = dequantise(codes).chunk(count, -1);  // [B, T, n]
  for (size_t g = 0; g < groups_.size(); ++g) parts[g] = groups_[g].project_out.forward(parts[g]);
  return at::cat(parts, -1).transpose(1, 2);  // [B, D, T]
}

at::Tensor Quantizer::decode(const at::Tensor& codes, const Trace& trace) const {
  at::Tensor x = codes_to_latent(codes);
  if (trace) trace("zq", x);
  for (const auto& [conv, block] : upsample) x = block.forward(conv.forward(x));
  return x;
}

at::Tensor Quantizer::GroupProjection::forward(const at::Tensor& x) const {
  return weight.defined() ? at::linear(x, weight, bias) : x;
}

void Quantizer::GroupProjection::visit(const std::string& prefix,
                                       const tensor::ParameterVisitor& visitor) {
  if (!weight.defined()) return;
  visitor(prefix + "weight", weight);
  visitor(prefix + "bias", bias);
}

void Quantizer::visit(const std::string& prefix, const tensor::ParameterVisitor& visitor) {
  for (size_t g = 0; g < groups_.size(); ++g) {
    const std::string at = prefix + "residual_fsq.rvqs." + std::to_string(g) + ".";
    groups_[g].project_in.visit(at + "project_in.", visitor);
    groups_[g].project_out.visit(at + "project_out.", visitor);
  }
  for (size_t i = 0; i < downsample.size(); ++i) {
    const std::string at = prefix + "downsample." + std::to_string(i) + ".";
    downsample[i].first.visit(at + "0.conv.", visitor);
    downsample[i].second.visit(at + "1.", visitor);
  }
  for (size_t i = 0; i < upsample.size(); ++i) {
    const std::string at = prefix + "upsample." + std::to_string(i) + ".";
    upsample[i].first.visit(at + "0.conv.", visitor);
    upsample[i].second.visit(at + "1.", visitor);
  }
}

int64_t Quantizer::encode_context() const {
  int64_t columns = 0;
  for (auto stage = downsample.rbegin(); stage != downsample.rend(); ++stage)
    columns = (columns + stage->second.dwconv.context()) * stage->first.stride;
  return columns;
}

int64_t Quantizer::decode_context(int64_t outputs) const {
  int64_t columns = outputs;
  for (auto stage = upsample.rbegin(); stage != upsample.rend(); ++stage)
    columns = stage->first.context(columns + stage->second.dwconv.context());
  return columns;
}

}  // namespace koi::codec
