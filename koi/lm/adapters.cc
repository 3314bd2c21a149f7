#include "koi/lm/adapters.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "koi/base/error.h"
#include "koi/lm/lora_targets.h"
#include "koi/tensor/bridge.h"
#include "koi/tensor/random.h"

namespace koi::lm {
namespace {

constexpr int64_t kMaxRank = 4096;

void check(const LoraConfig& config) {
  const auto fail = [](const std::string& what) {
    throw Error(ErrorKind::config, "LoRA configuration", what);
  };
  if (config.r < 1 || config.r > kMaxRank)
    fail("r is " + std::to_string(config.r) + ", expected 1 to " + std::to_string(kMaxRank));
  if (!std::isfinite(config.alpha)) fail("lora_alpha is not a finite number");
  if (!(config.dropout >= 0 && config.dropout < 1))
    fail("lora_dropout is " + std::to_string(config.dropout) + ", expected 0 to below 1");
}

std::string shape_of(const at::Tensor& tensor) {
  return checkpoint::shape_text(tensor.sizes().vec());
}

// The weights with the adapter added, in the weight's dtype.
at::Tensor merged(const at::Tensor& weight, const Adapter& adapter, bool transposed) {
  const auto product =
      at::matmul(adapter.lora_B.to(at::kFloat), adapter.lora_A.to(at::kFloat)) * adapter.scaling;
  return (weight.to(at::kFloat) + (transposed ? product.t() : product)).to(weight.scalar_type());
}

std::set<std::string> adapted_modules(DualAr& model, const std::vector<std::string>& targets) {
  std::vector<std::string> modules;
  const auto add = [&](const std::string& name, const auto&) { modules.push_back(name); };
  model.visit_adapted({.linear = add, .embedding = add});
  return chosen_modules(targets, modules);
}

// fn(name, layer) for every layer that may be adapted, whatever its kind.
template <typename Function>
void for_each_layer(DualAr& model, const Function& fn) {
  model.visit_adapted({.linear = fn, .embedding = fn});
}

// Both at once: [A1; A2] and [B1 s1, B2 s2].
Adapter joined(const Adapter& first, const Adapter& second) {
  const auto scaled = [](const Adapter& adapter) {
    return (adapter.lora_B.to(at::kFloat) * adapter.scaling).to(adapter.lora_B.scalar_type());
  };
  return {.lora_A = at::cat({first.lora_A, second.lora_A}),
          .lora_B = at::cat({scaled(first), scaled(second)}, 1)};
}

// Puts the adapter beside those that are there.
void put_adapter(DualAr& model, const WeightedAdapter& adapter) {
  std::map<std::string, Adapter> before;
  for_each_layer(model, [&](const std::string& name, auto& layer) {
    if (layer.lora) before[name] = *layer.lora;
    layer.lora.reset();
  });
  add_lora(model, adapter.file.info.lora, /*seed=*/0);
  load_lora(model, adapter.file.tensors, adapter.file.path.string());
  for_each_layer(model, [&](const std::string& name, auto& layer) {
    if (layer.lora) layer.lora->scaling *= adapter.weight;
    const auto other = before.find(name);
    if (other == before.end()) return;
    layer.lora = layer.lora ? joined(other->second, *layer.lora) : other->second;
  });
}

}  // namespace

void add_lora(DualAr& model, const LoraConfig& config, uint64_t seed) {
  check(config);
  const std::set<std::string> targets = adapted_modules(model, config.targets);
  at::Generator generator = tensor::make_generator(seed);
  const auto make = [&](auto& layer, const at::Tensor& a, const at::Tensor& b) {
    layer.lora = Adapter{.lora_A = a.to(layer.weight.options()),
                         .lora_B = b.to(layer.weight.options()),
                         .scaling = config.scaling(),
                         .dropout = config.dropout};
  };
  model.visit_adapted({.linear =
                           [&](const std::string& name, Linear& layer) {
                             if (!targets.contains(name)) return;
                             const int64_t out = layer.weight.size(0), in = layer.weight.size(1);
                             // kaiming_uniform with a = sqrt 5: sqrt(6 / ((1 + a^2) in)).
                             const double bound = 1 / std::sqrt(static_cast<double>(in));
                             make(layer,
                                  at::empty({config.r, in}).uniform_(-bound, bound, generator),
                                  at::zeros({out, config.r}));
                           },
                       .embedding =
                           [&](const std::string& name, Embedding& layer) {
                             if (!targets.contains(name)) return;
                             const int64_t count = layer.weight.size(0), dim = layer.weight.size(1);
                             make(layer, at::zeros({config.r, count}),
                                  at::empty({dim, config.r}).normal_(0, 1, generator));
                           }});
}

void load_lora(DualAr& model, const checkpoint::StateDict& state, const std::string& where) {
  constexpr std::string_view kPrefix = "model.";
  checkpoint::StateDict adapters;
  for (const auto& [name, view] : state) {
    if (name.find("lora") == std::string::npos) continue;
    adapters.emplace_back(name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name, view);
  }
  if (adapters.empty())
    throw Error(ErrorKind::corrupt, where, "holds no LoRA tensors", "give the adapter's .ckpt");

  std::set<std::string> known;
  model.visit_lora([&](const std::string& name, at::Tensor& parameter) {
    known.insert(name);
    const checkpoint::TensorView* view = checkpoint::find(adapters, name);
    if (view == nullptr) throw Error(ErrorKind::corrupt, where, "lacks the tensor " + name);
    if (view->shape != parameter.sizes().vec()) {
      const size_t rank_axis = name.ends_with(".lora_A") ? 0 : 1;
      const bool other_rank =
          view->shape.size() == 2 && parameter.size(1 - rank_axis) == view->shape[1 - rank_axis];
      throw Error(ErrorKind::corrupt, where,
                  name + " has the shape " + checkpoint::shape_text(view->shape) + ", expected " +
                      shape_of(parameter),
                  other_rank
                      ? "the adapter has the rank " + std::to_string(view->shape[rank_axis]) +
                            ", choose the LoRA configuration it was trained with"
                      : "it belongs to another base model");
    }
    parameter = tensor::to_tensor(*view).to(parameter.options(), /*non_blocking=*/false,
                                            /*copy=*/true);
  });
  for (const auto& [name, view] : adapters)
    if (!known.contains(name))
      throw Error(ErrorKind::corrupt, where, "has the tensor " + name + ", which the model lacks");
}

void put_adapters(DualAr& model, const std::vector<WeightedAdapter>& adapters,
                  const base::fs::path& base) {
  for (const WeightedAdapter& adapter : adapters) {
    if (adapter.file.is_adapter()) continue;
    throw Error(ErrorKind::usage, adapter.file.path.string(),
                "is a full fine-tune, no adapter (it holds no LoRA tensors)",
                "koi merge-lora makes a checkpoint folder of it");
  }
  const bool known = std::any_of(adapters.begin(), adapters.end(),
                                 [](const auto& adapter) { return adapter.file.says_base; });
  const BaseIdentity identity = known ? identify_base(base, base) : BaseIdentity{};
  for (const WeightedAdapter& adapter : adapters)
    check_base(adapter.file.info, identity, adapter.file.path.string());
  for (const WeightedAdapter& adapter : adapters) put_adapter(model, adapter);
}

void merge_lora(DualAr& model) {
  bool changed = false;
  const auto merge = [&](auto& layer, bool transposed) {
    if (!layer.lora) return;
    const at::Tensor weight = merged(layer.weight, *layer.lora, transposed);
    changed = changed || !at::equal(weight, layer.weight);
    layer.weight = weight;
    layer.lora.reset();
  };
  const at::NoGradGuard no_gradients;
  model.visit_adapted(
      {.linear = [&](const std::string&, Linear& layer) { merge(layer, /*transposed=*/false); },
       .embedding = [&](const std::string&,
                        Embedding& layer) { merge(layer, /*transposed=*/true); }});
  if (!changed) {
    throw Error(ErrorKind::corrupt, "LoRA adapter", "merging it changes no weight",
                "was the adapter trained at all?");
  }
}

}  // namespace koi::lm
