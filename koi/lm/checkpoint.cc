#include "koi/lm/checkpoint.h"

#include "koi/base/error.h"
#include "koi/checkpoint/pth.h"
#include "koi/tensor/bridge.h"
#include "koi/tensor/random.h"
#include "koi/text/tokenizer.h"

namespace koi::lm {
namespace {

using checkpoint::StateDict;
using checkpoint::TensorView;

// wq, wk and wv of old files, rows one below the other.
TensorView join_qkv(const StateDict& state, const std::string& q_name, const std::string& where) {
  const size_t letter = q_name.rfind("wq.") + 1;
  std::vector<at::Tensor> parts;
  for (const char part : {'q', 'k', 'v'}) {
    std::string name = q_name;
    name[letter] = part;
    const TensorView* view = checkpoint::find(state, name);
    if (view == nullptr) throw Error(ErrorKind::corrupt, where, "lacks the tensor " + name);
    parts.push_back(tensor::to_tensor(*view));
    const bool fits = parts.back().dim() >= 1 && parts.back().dim() == parts[0].dim() &&
                      parts.back().sizes().slice(1) == parts[0].sizes().slice(1) &&
                      parts.back().dtype() == parts[0].dtype();
    if (!fits) {
      throw Error(ErrorKind::corrupt, where,
                  name + " has the shape " + checkpoint::shape_text(view->shape) +
                      ", which does not fit below that of " + q_name);
    }
  }
  return tensor::to_view(at::cat(parts));
}

// The names of the file under the keys that the model uses.
StateDict with_model_keys(const StateDict& file, const std::string& where) {
  constexpr std::string_view kPrefix = "model.";
  StateDict state;
  for (const auto& [name, view] : file)
    state.emplace_back(name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name, view);
  StateDict joined;
  for (const auto& [name, view] : state) {
    const size_t at = name.find("attention.w");
    const std::string_view layer =
        at == std::string::npos ? "" : std::string_view(name).substr(at).substr(10);
    if (layer.starts_with("wk.") || layer.starts_with("wv.")) continue;
    if (layer.starts_with("wq.")) {
      std::string key = name;
      key.replace(at + 10, 2, "wqkv");
      joined.emplace_back(key, join_qkv(state, name, where));
    } else {
      joined.emplace_back(name, view);
    }
  }
  return joined;
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
  if (!options.load_weights) {
    initialize(model, options.seed, options.dtype.value_or(at::kFloat));
    return model;
  }
  const auto path = folder / "model.pth";
  const StateDict state = with_model_keys(checkpoint::load_state_dict(path), path.string());
  if (state.empty()) throw Error(ErrorKind::corrupt, path.string(), "holds no tensors");
  const at::ScalarType file_dtype = tensor::scalar_type(state.front().second.dtype);
  if (!at::isFloatingType(file_dtype)) {
    throw Error(
        ErrorKind::corrupt, path.string(),
        "the weights are " + std::string(c10::toString(file_dtype)) + ", floats were expected");
  }
  // A file of several: what holds all of them.
  const bool mixed = std::any_of(state.begin(), state.end(), [&](const auto& entry) {
    return tensor::scalar_type(entry.second.dtype) != file_dtype;
  });
  const at::ScalarType own_dtype = mixed ? at::kFloat : file_dtype;
  tensor::load_parameters([&](const auto& visitor) { model.visit(visitor); }, state,
                          {.dtype = options.dtype.value_or(own_dtype), .device = options.device},
                          path.string());
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

void save_model(DualAr& model, const base::fs::path& folder) {
  save_weights(model, folder / "model.pth");
  base::write_file(folder / "config.json", config_json(model.config()));
}

}  // namespace koi::lm
