#include "koi/codec/weight_norm.h"

#include <optional>
#include <string_view>

#include "koi/base/error.h"
#include "koi/tensor/bridge.h"

namespace koi::codec {
namespace {

struct Naming {
  std::string_view g, v;
};
constexpr Naming kParametrized = {"parametrizations.weight.original0",
                                  "parametrizations.weight.original1"};
constexpr Naming kOld = {"weight_g", "weight_v"};

// ||w|| over all dimensions but the first: [D0, 1, ...].
at::Tensor norm_of(const at::Tensor& w) {
  std::vector<int64_t> dims;
  for (int64_t i = 1; i < w.dim(); ++i) dims.push_back(i);
  return at::linalg_vector_norm(w, 2, dims, /*keepdim=*/true);
}

const checkpoint::TensorView& need(const checkpoint::StateDict& state, const std::string& key,
                                   const std::string& where) {
  const checkpoint::TensorView* view = checkpoint::find(state, key);
  if (view == nullptr)
    throw Error(ErrorKind::corrupt, where, "lacks " + key + ", the other half of a weight norm");
  return *view;
}

checkpoint::TensorView fold(const checkpoint::StateDict& state, const std::string& g_key,
                            const std::string& v_key, const std::string& where) {
  const checkpoint::TensorView& g = need(state, g_key, where);
  const checkpoint::TensorView& v = need(state, v_key, where);
  std::vector<int64_t> expected(v.shape.size(), 1);
  if (!v.shape.empty()) expected[0] = v.shape[0];
  if (v.shape.size() < 2 || g.shape != expected) {
    throw Error(ErrorKind::corrupt, where,
                g_key + " is " + checkpoint::shape_text(g.shape) + ", but " + v_key + " is " +
                    checkpoint::shape_text(v.shape));
  }
  const at::Tensor direction = tensor::to_tensor(v).to(at::kFloat);
  const at::Tensor gain = tensor::to_tensor(g).to(at::kFloat);
  return tensor::to_view(direction * (gain / norm_of(direction)));
}

// `key` without `ending`, where it ends so.
std::optional<std::string> stem(const std::string& key, std::string_view ending) {
  if (!key.ends_with(ending)) return std::nullopt;
  return key.substr(0, key.size() - ending.size());
}

}  // namespace

checkpoint::StateDict fold_weight_norm(const checkpoint::StateDict& state,
                                       const std::string& where) {
  checkpoint::StateDict folded;
  for (const auto& [key, view] : state) {
    bool plain = true;
    for (const Naming& naming : {kParametrized, kOld}) {
      if (const auto from_g = stem(key, naming.g)) {
        folded.emplace_back(*from_g + "weight",
                            fold(state, key, *from_g + std::string(naming.v), where));
        plain = false;
      } else if (const auto from_v = stem(key, naming.v)) {
        need(state, *from_v + std::string(naming.g), where);
        plain = false;
      }
    }
    if (plain) folded.emplace_back(key, view);
  }
  return folded;
}

tensor::NamedTensors unfold_weight_norm(const tensor::NamedTensors& folded) {
  tensor::NamedTensors published;
  for (const auto& [key, value] : folded) {
    const auto conv = stem(key, "weight");
    if (key.starts_with("head.") && conv) {
      published.emplace_back(*conv + std::string(kParametrized.g), norm_of(value));
      published.emplace_back(*conv + std::string(kParametrized.v), value);
    } else {
      published.emplace_back(key, value);
    }
  }
  return published;
}

}  // namespace koi::codec
