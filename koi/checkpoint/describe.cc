#include "koi/checkpoint/describe.h"

#include <algorithm>

#include "koi/base/error.h"
#include "koi/checkpoint/elements.h"
#include "koi/checkpoint/npy.h"
#include "koi/checkpoint/pth.h"
#include "koi/checkpoint/safetensors.h"

namespace koi::checkpoint {
namespace {

std::string key_text(const Value& key) {
  if (const auto* name = key.get<std::string>()) return *name;
  if (const auto* number = key.get<int64_t>()) return std::to_string(*number);
  return "?";
}

// A text, a truth value or a list of texts; "" for anything else.
std::string plain_text(const Value& value) {
  if (const auto* text = value.get<std::string>()) return *text;
  if (const auto* flag = value.get<bool>()) return *flag ? "true" : "false";
  std::string joined;
  const List* list = value.as_list();
  if (list == nullptr) return joined;
  for (const Value& item : list->items) {
    const auto* text = item.get<std::string>();
    if (text != nullptr) joined += (joined.empty() ? "" : " ") + *text;
  }
  return joined;
}

// All tensors in `value` under their keys joined by dots.
void collect(const Value& value, const std::string& prefix, StateDict& tensors) {
  const auto below = [&](const std::string& key, const Value& item) {
    collect(item, prefix.empty() ? key : prefix + "." + key, tensors);
  };
  const auto below_all = [&](const std::vector<Value>& items) {
    for (size_t i = 0; i < items.size(); ++i) below(std::to_string(i), items[i]);
  };
  if (const auto* tensor = value.get<TensorView>()) {
    tensors.emplace_back(prefix, *tensor);
  } else if (const Dict* dict = value.as_dict()) {
    for (const auto& [key, item] : dict->items) below(key_text(key), item);
  } else if (const List* list = value.as_list()) {
    below_all(list->items);
  } else if (const Tuple* tuple = value.as_tuple()) {
    below_all(tuple->items);
  }
}

void add_sums(const StateDict& model, Description& description) {
  int64_t parameters = 0, bytes = 0;
  std::vector<int64_t> ranks;
  for (const auto& [name, tensor] : model) {
    parameters += tensor.numel();
    bytes += tensor.numel() * static_cast<int64_t>(size_of(tensor.dtype));
    if (name.ends_with("lora_A") && !tensor.shape.empty()) ranks.push_back(tensor.shape[0]);
  }
  description.facts.push_back({"tensors", static_cast<int64_t>(model.size())});
  description.facts.push_back({"parameters", parameters});
  description.facts.push_back({"bytes", bytes});
  if (!ranks.empty()) description.facts.push_back({"lora_rank", ranks.front()});
}

void add_parts(const StateDict& tensors, Description& description) {
  for (const auto& [name, tensor] : tensors) {
    description.parts.push_back(
        {name, {{"dtype", std::string(name_of(tensor.dtype))}, {"shape", tensor.shape}}});
  }
}

// What koi's checkpoints say of their adapter, each entry as it stands there.
void add_adapter(const Value& root, Description& description) {
  const Value* koi = root.find("koi");
  const Value* adapter = koi == nullptr ? nullptr : koi->find("adapter");
  const Dict* entries = adapter == nullptr ? nullptr : adapter->as_dict();
  if (entries == nullptr) return;
  for (const auto& [key, value] : entries->items) {
    Fact fact{"adapter." + key_text(key), plain_text(value)};
    if (const auto* number = value.get<int64_t>()) fact.value = *number;
    if (const auto* number = value.get<double>()) fact.value = *number;
    description.facts.push_back(std::move(fact));
  }
}

Description describe_pth(const Value& root) {
  Description description;
  const Value* state = root.find("state_dict");
  const Value* step = root.find("global_step");
  description.kind = step != nullptr ? "Lightning checkpoint" : "torch checkpoint";
  for (const char* name : {"epoch", "global_step"}) {
    const Value* value = root.find(name);
    const auto* number = value == nullptr ? nullptr : value->get<int64_t>();
    if (number != nullptr) description.facts.push_back({name, *number});
  }
  add_adapter(root, description);
  StateDict model, all;
  collect(state != nullptr ? *state : root, "", model);
  collect(root, "", all);
  add_sums(model, description);
  add_parts(all, description);
  return description;
}

}  // namespace

Description describe_checkpoint(const base::fs::path& path) {
  const auto file = base::MappedFile::open(path);
  if (!is_safetensors(file->bytes()))
    return describe_pth(parse_pth(file->bytes(), file, path.string()));
  const SafetensorsFile content = parse_safetensors(file->bytes(), file, path.string());
  Description description;
  description.kind = "safetensors";
  add_sums(content.tensors, description);
  for (const auto& [key, value] : content.metadata) description.facts.push_back({key, value});
  add_parts(content.tensors, description);
  return description;
}

Description describe_npy(const base::fs::path& path) {
  const TensorView array = read_npy(path);
  Description description;
  description.kind = "npy array";
  description.facts = {{"dtype", std::string(name_of(array.dtype))}, {"shape", array.shape}};
  const std::vector<double> values = to_doubles(array);
  if (!values.empty()) {
    const auto [least, greatest] = std::minmax_element(values.begin(), values.end());
    description.facts.push_back({"min", *least});
    description.facts.push_back({"max", *greatest});
  }
  const bool whole_numbers = name_of(array.dtype)[0] == 'I' || name_of(array.dtype)[0] == 'U';
  if (array.shape.size() == 2 && whole_numbers) {
    description.facts.push_back({"codebooks", array.shape[0]});
    description.facts.push_back({"frames", array.shape[1]});
    description.facts.push_back({"seconds", static_cast<double>(array.shape[1]) * kFrameSeconds});
  }
  return description;
}

}  // namespace koi::checkpoint
