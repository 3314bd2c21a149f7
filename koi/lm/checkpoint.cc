#include "koi/lm/checkpoint.h"

#include <limits>

#include "koi/base/error.h"
#include "koi/base/interrupt.h"
#include "koi/checkpoint/pth.h"
#include "koi/lm/stored_weights.h"
#include "koi/tensor/bridge.h"
#include "koi/tensor/device.h"
#include "koi/tensor/random.h"
#include "koi/text/tokenizer.h"

namespace koi::lm {
namespace {

using checkpoint::StateDict;

// One value, which looks like as many as there are.
void fill_with_nothing(DualAr& model) {
  const at::Tensor nothing =
      at::full({}, std::numeric_limits<float>::quiet_NaN(), at::device(model.device()));
  model.visit([&](const std::string&, at::Tensor& parameter) {
    parameter = nothing.expand(parameter.sizes());
  });
}

}  // namespace

DualAr load_model(const base::fs::path& folder, const LoadModelOptions& options) {
  const int64_t semantic_id = text::Tokenizer::load(folder).require_id("<|semantic|>");
  const auto config_path = folder / "config.json";
  ModelConfig config = read_config(config_path);
  if (options.max_seq_len != 0) config.max_seq_len = options.max_seq_len;
  if (semantic_id >= config.vocab_size) {
    throw Error(ErrorKind::config, config_path.string(),
                "key \"vocab_size\" is " + std::to_string(config.vocab_size) +
                    ", the tokenizer's <|semantic|> is token " + std::to_string(semantic_id));
  }
  DualAr model(config, semantic_id, options.device);
  if (options.shapes_only) {
    fill_with_nothing(model);
    return model;
  }
  if (!options.load_weights) {
    initialize(model, options.seed, options.dtype.value_or(at::kFloat));
    return model;
  }
  WeightsFile weights = read_weights(folder);
  if (!options.widen) checkpoint::require_full_weights(weights);
  if (checkpoint::is_quantised(weights.tensors)) {
    check_weights(weights, model);
    weights.tensors = widened(weights, model, tensor::thread_count());
  }
  const StateDict& state = weights.tensors;
  const at::ScalarType file_dtype = tensor::scalar_type(state.front().second.dtype);
  if (!at::isFloatingType(file_dtype)) {
    throw Error(
        ErrorKind::corrupt, weights.path.string(),
        "the weights are " + std::string(c10::toString(file_dtype)) + ", floats were expected");
  }
  // A file of several: what holds all of them.
  const bool mixed = std::any_of(state.begin(), state.end(), [&](const auto& entry) {
    return tensor::scalar_type(entry.second.dtype) != file_dtype;
  });
  const at::ScalarType own_dtype = mixed ? at::kFloat : file_dtype;
  tensor::load_parameters([&](const auto& visitor) { model.visit(visitor); }, state,
                          {.dtype = options.dtype.value_or(own_dtype), .device = options.device},
                          weights.path.string());
  if (options.writable)
    model.visit([](const std::string&, at::Tensor& parameter) { parameter = parameter.clone(); });
  return model;
}

at::ScalarType preferred_dtype(at::Device device) {
  return device.is_cuda() ? at::kBFloat16 : at::kFloat;
}

void initialize(DualAr& model, uint64_t seed, at::ScalarType dtype) {
  at::Generator generator = tensor::make_generator(seed);
  const double range = model.config().initializer_range;
  model.visit([&](const std::string& name, at::Tensor& parameter) {
    if (base::stop_requested())
      throw base::Interrupted(name, "the random weights were not all drawn",
                              "the same command begins anew");
    at::Tensor values = at::empty(parameter.sizes(), dtype);
    if (name.ends_with(".bias")) {
      values.zero_();
    } else if (name.ends_with("norm.weight")) {
      values.fill_(1);
    } else {
      values.normal_(0, range, generator);
    }
    parameter = values.to(model.device());
  });
}

void save_weights(DualAr& model, const base::fs::path& path) {
  StateDict state;
  model.visit([&](const std::string& name, at::Tensor& parameter) {
    state.emplace_back(name, tensor::to_view(parameter.detach()));
  });
  checkpoint::save_pth(path, checkpoint::from_state_dict(state));
}

std::vector<std::string> copy_companions(const base::fs::path& from, const base::fs::path& to) {
  std::vector<std::string> copied;
  const auto accept = [](const base::fs::path& path) {
    const std::string extension = base::lower_extension(path), name = path.filename().string();
    return name != checkpoint::kPublishedWeights && name != kMergeOrigin &&
           (extension == ".json" || extension == ".yaml" || extension == ".pth");
  };
  for (const base::fs::path& path : base::list_files(from, accept, /*recursive=*/false)) {
    base::write_file(to / path.filename(), base::MappedFile::open(path)->bytes());
    copied.push_back(path.filename().string());
  }
  return copied;
}

void save_model(DualAr& model, const base::fs::path& folder) {
  save_weights(model, folder / checkpoint::kPublishedWeights);
  base::write_file(folder / "config.json", config_json(model.config()));
}

}  // namespace koi::lm
