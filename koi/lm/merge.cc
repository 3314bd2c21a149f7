#include "koi/lm/merge.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "koi/base/atomic_folder.h"
#include "koi/base/error.h"
#include "koi/base/version.h"
#include "koi/checkpoint/weights_file.h"

namespace koi::lm {
namespace {

namespace fs = base::fs;
using base::AtomicFolder;

// Of the largest logit. fp32: the order of additions; half precision: the rounding of every weight.
double tolerance(at::ScalarType dtype) { return dtype == at::kFloat ? 1e-3 : 0.2; }

AtomicFolder::Existing check_output(const MergeOptions& options) {
  std::error_code ignored;
  if (fs::equivalent(options.base, options.output, ignored))
    throw Error(ErrorKind::usage, options.output.string(), "is the base", "choose another output");
  const bool made_here = fs::exists(options.output / kMergeOrigin, ignored);
  const bool empty = !fs::exists(options.output, ignored) || fs::is_empty(options.output, ignored);
  if (!empty && !(made_here && options.overwrite)) {
    throw Error(ErrorKind::io, options.output.string(),
                made_here ? "is an earlier merge" : "is there and was not made by a merge",
                made_here ? "choose another output, or --overwrite it"
                          : "choose another output, or remove it first");
  }
  return made_here ? AtomicFolder::Existing::replace : AtomicFolder::Existing::refuse;
}

// Every kind of input: text and frames, many tokens and codes.
at::Tensor probe(const DualAr& model) {
  constexpr int64_t kColumns = 16;
  const ModelConfig& config = model.config();
  const int64_t count = std::min(kColumns, config.max_seq_len);
  at::Tensor tokens = at::empty({1, 1 + config.num_codebooks, count}, at::kLong);
  auto at = tokens.accessor<int64_t, 3>();
  for (int64_t t = 0; t < count; ++t) {
    const bool frame = t % 2 == 1;
    at[0][0][t] = frame ? model.semantic_token_id() : t * 37 % config.vocab_size;
    for (int64_t k = 0; k < config.num_codebooks; ++k)
      at[0][1 + k][t] = frame ? (1 + t * 97 + k * 31) % config.codebook_size : 0;
  }
  return tokens;
}

at::Tensor probe_logits(const DualAr& model) {
  const at::NoGradGuard no_gradients;
  const DualArOutput output = model.forward(probe(model), {}, {});
  return at::cat({output.token_logits.flatten(), output.codebook_logits.flatten()});
}

// Adapters on the model, or all its weights replaced.
void put_trained(DualAr& model, const MergeOptions& options) {
  const AdapterFile& first = options.adapters.at(0).file;
  if (first.is_adapter() || options.adapters.size() > 1)
    return put_adapters(model, options.adapters, options.base);
  if (options.adapters[0].weight != 1) {
    throw Error(ErrorKind::usage, first.path.string(), "is a full fine-tune, which takes no weight",
                "leave the weight out");
  }
  tensor::load_parameters([&](const auto& visitor) { model.visit(visitor); }, first.tensors,
                          {.dtype = at::kFloat, .device = options.device}, first.path.string());
}

// The weights rounded to the base's dtype, as they will lie in the file.
void round_weights(DualAr& model, DualAr& base, const std::string& adapter) {
  tensor::NamedTensors originals;
  base.visit([&](const std::string& name, at::Tensor& p) { originals.emplace_back(name, p); });
  bool changed = false;
  size_t place = 0;
  model.visit([&](const std::string&, at::Tensor& weight) {
    const at::Tensor& original = originals[place++].second;
    const at::Tensor rounded = weight.to(original.scalar_type());
    changed = changed || !at::equal(rounded.to(original.device()), original);
    weight = rounded.to(at::kFloat);
  });
  if (!changed) {
    throw Error(ErrorKind::corrupt, adapter, "merging it changes no weight",
                "was the adapter trained at all?");
  }
}

void check_report(const MergeReport& report, const std::string& adapter) {
  if (!std::isfinite(report.max_logit) || !std::isfinite(report.max_difference)) {
    throw Error(ErrorKind::corrupt, adapter, "the merged model's logits are not finite",
                "the training has diverged: take an earlier step or a lower learning rate");
  }
  if (report.max_difference > tolerance(report.dtype) * report.max_logit) {
    throw Error(ErrorKind::internal, adapter,
                "the merged weights' logits differ by " + std::to_string(report.max_difference) +
                    " from those of base and adapter");
  }
}

std::string origin_json(const MergeOptions& options) {
  nlohmann::ordered_json adapters = nlohmann::ordered_json::array();
  for (const auto& [file, weight] : options.adapters) {
    nlohmann::ordered_json adapter = {{"path", file.path.string()}, {"weight", weight}};
    if (file.is_adapter()) {
      adapter.update({{"r", file.info.lora.r},
                      {"lora_alpha", file.info.lora.alpha},
                      {"use_rslora", file.info.lora.use_rslora},
                      {"targets", file.info.lora.targets}});
    }
    adapters.push_back(std::move(adapter));
  }
  const nlohmann::ordered_json origin = {
      {"koi_version", base::version()}, {"base", options.base.string()}, {"adapters", adapters}};
  // Names of files need not be UTF-8.
  return origin.dump(4, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

MergeReport merge_checkpoint(const MergeOptions& options) {
  const AtomicFolder::Existing existing = check_output(options);
  const std::string adapter = options.adapters.at(0).file.path.string();
  DualAr base = load_model(options.base, {.dtype = std::nullopt});
  DualAr model = load_model(options.base, {.dtype = at::kFloat, .device = options.device});
  put_trained(model, options);

  MergeReport report{.dtype = base.dtype(), .copied = {}};
  const at::Tensor unmerged = probe_logits(model);
  if (options.adapters[0].file.is_adapter()) merge_lora(model);
  round_weights(model, base, adapter);
  const at::Tensor merged = probe_logits(model);
  report.max_difference = (merged - unmerged).abs().max().item<double>();
  report.max_logit = unmerged.abs().max().item<double>();
  check_report(report, adapter);

  AtomicFolder folder(options.output, existing);
  model.visit([&](const std::string&, at::Tensor& weight) {
    weight = weight.to(report.dtype);  // exact: it was rounded before
    ++report.tensors;
  });
  save_weights(model, folder.temporary_path() / checkpoint::kPublishedWeights);
  report.copied = copy_companions(options.base, folder.temporary_path());
  base::write_file(folder.temporary_path() / kMergeOrigin, origin_json(options));
  folder.commit();
  return report;
}

}  // namespace koi::lm
