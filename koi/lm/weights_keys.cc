#include "koi/lm/weights_keys.h"

#include "koi/base/error.h"
#include "koi/tensor/bridge.h"

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

}  // namespace

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

}  // namespace koi::lm
