#include "koi/train/parameters.h"

#include <algorithm>
#include <map>

namespace koi::train {
namespace {

std::string module_of(const std::string& name) { return name.substr(0, name.rfind('.')); }

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

bool Parameter::is_adapter() const { return contains(name, ".lora_"); }

bool Parameter::decays() const {
  return !contains(name, ".bias") && !contains(name, "norm.weight") &&
         !name.starts_with("embeddings.");
}

std::vector<Parameter> model_parameters(lm::DualAr& model) {
  std::map<std::string, std::vector<Parameter>> adapters;
  model.visit_lora([&](const std::string& name, at::Tensor& value) {
    adapters[module_of(name)].push_back({name, value});
  });
  std::vector<Parameter> parameters;
  std::string last;
  const auto flush = [&] {
    for (Parameter& adapter : adapters[last]) parameters.push_back(std::move(adapter));
    adapters.erase(last);
  };
  model.visit([&](const std::string& name, at::Tensor& value) {
    if (module_of(name) != last) flush();
    last = module_of(name);
    parameters.push_back({name, value});
  });
  flush();
  return parameters;
}

std::vector<Parameter> optimizer_order(const std::vector<Parameter>& parameters) {
  std::vector<Parameter> ordered = parameters;
  std::stable_partition(ordered.begin(), ordered.end(),
                        [](const Parameter& parameter) { return parameter.decays(); });
  return ordered;
}

void choose_trained(lm::DualAr& model, TrainedPart part) {
  model.visit([&](const std::string&, at::Tensor& value) {
    value.requires_grad_(part == TrainedPart::everything);
  });
  model.visit_lora([&](const std::string&, at::Tensor& value) { value.requires_grad_(true); });
}

}  // namespace koi::train
