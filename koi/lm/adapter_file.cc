#include "koi/lm/adapter_file.h"

#include <algorithm>

#include "koi/base/error.h"
#include "koi/base/hash.h"
#include "koi/checkpoint/content_hash.h"
#include "koi/checkpoint/pth.h"
#include "koi/checkpoint/weights_file.h"
#include "koi/lm/peft.h"

namespace koi::lm {
namespace {

using checkpoint::Value;

constexpr size_t kMaxTargets = 10000;  // more than a model has modules

Value key(const char* text) { return Value(std::string(text)); }

// Entries of the dict "adapter".
class Entries {
 public:
  Entries(const Value& dict, const std::string& where) : dict_(dict), where_(where) {}

  template <typename T>
  T get(const char* name) const {
    const Value* value = dict_.find(name);
    const T* found = value == nullptr ? nullptr : value->get<T>();
    if (found == nullptr) fail(name);
    return *found;
  }

  std::vector<std::string> texts(const char* name) const {
    const Value* value = dict_.find(name);
    const auto* list = value == nullptr ? nullptr : value->as_list();
    if (list == nullptr || list->items.size() > kMaxTargets) fail(name);
    std::vector<std::string> texts;
    for (const Value& item : list->items) {
      const auto* text = item.get<std::string>();
      if (text == nullptr) fail(name);
      texts.push_back(*text);
    }
    return texts;
  }

 private:
  [[noreturn]] void fail(const char* name) const {
    throw Error(ErrorKind::corrupt, where_,
                std::string("what it says of its adapter is damaged: ") + name);
  }
  const Value& dict_;
  const std::string& where_;
};

std::string text_of(const LoraConfig& lora) {
  std::string text = "r " + std::to_string(lora.r) + ", lora_alpha " + std::to_string(lora.alpha) +
                     (lora.use_rslora ? ", rsLoRA" : "") + ", targets";
  for (const std::string& target : lora.targets) text += " " + target;
  return text;
}

checkpoint::StateDict bare_tensors(const Value& root, const std::string& where) {
  constexpr std::string_view kPrefix = "model.";
  const Value* wrapped = root.find("state_dict");
  checkpoint::StateDict all =
      checkpoint::to_state_dict(wrapped != nullptr ? *wrapped : root, where);
  for (auto& [name, tensor] : all)
    if (name.starts_with(kPrefix)) name.erase(0, kPrefix.size());
  return all;
}

bool is_lora(const std::pair<std::string, checkpoint::TensorView>& entry) {
  return entry.first.find("lora") != std::string::npos;
}

AdapterFile load_checkpoint(const base::fs::path& path) {
  const std::string where = path.string();
  const Value root = checkpoint::load_pth(path);
  AdapterFile file{.path = path, .tensors = bare_tensors(root, where), .info = {}};
  if (std::any_of(file.tensors.begin(), file.tensors.end(), is_lora))
    std::erase_if(file.tensors, [](const auto& entry) { return !is_lora(entry); });
  if (const auto info = adapter_info(root, where)) {
    file.info = *info;
    file.says_base = true;
  }
  return file;
}

bool is_peft(const base::fs::path& path) {
  return base::fs::is_directory(path) || base::lower_extension(path) == ".safetensors";
}

std::string weights_hash(const base::fs::path& folder) {
  const checkpoint::WeightsFile file = checkpoint::load_weights(folder);
  const auto said = file.metadata.find(checkpoint::kBaseHashKey);
  return said != file.metadata.end() ? said->second : checkpoint::content_hash(file.tensors);
}

}  // namespace

BaseIdentity identify_base(const base::fs::path& folder, const base::fs::path& tokenizer) {
  const base::fs::path words =
      base::fs::is_directory(tokenizer) ? tokenizer / "tokenizer.json" : tokenizer;
  return {.path = folder.string(),
          .weights_hash = weights_hash(folder),
          .tokenizer_hash = base::sha256_hex(base::read_file(words))};
}

Value adapter_value(const AdapterInfo& info) {
  std::vector<Value> targets;
  for (const std::string& target : info.lora.targets) targets.emplace_back(target);
  return Value::dict({{key("base"), Value(info.base.path)},
                      {key("base_hash"), Value(info.base.weights_hash)},
                      {key("tokenizer_hash"), Value(info.base.tokenizer_hash)},
                      {key("r"), Value(info.lora.r)},
                      {key("lora_alpha"), Value(info.lora.alpha)},
                      {key("lora_dropout"), Value(info.lora.dropout)},
                      {key("targets"), Value::list(std::move(targets))},
                      {key("use_rslora"), Value(info.lora.use_rslora)},
                      {key("koi_version"), Value(info.koi_version)}});
}

std::optional<AdapterInfo> adapter_info(const Value& root, const std::string& where) {
  const Value* koi = root.find("koi");
  const Value* value = koi == nullptr ? nullptr : koi->find("adapter");
  if (value == nullptr) return std::nullopt;
  const Entries entries(*value, where);
  return AdapterInfo{.lora = {.r = entries.get<int64_t>("r"),
                              .alpha = entries.get<double>("lora_alpha"),
                              .dropout = entries.get<double>("lora_dropout"),
                              .targets = entries.texts("targets"),
                              .use_rslora = entries.get<bool>("use_rslora")},
                     .base = {.path = entries.get<std::string>("base"),
                              .weights_hash = entries.get<std::string>("base_hash"),
                              .tokenizer_hash = entries.get<std::string>("tokenizer_hash")},
                     .koi_version = entries.get<std::string>("koi_version")};
}

void check_lora(const LoraConfig& file, const LoraConfig& expected, const std::string& where) {
  const bool same = file.r == expected.r && file.alpha == expected.alpha &&
                    file.targets == expected.targets && file.use_rslora == expected.use_rslora;
  if (same) return;
  throw Error(
      ErrorKind::config, where,
      "was trained with " + text_of(file) + "; the LoRA configuration says " + text_of(expected),
      "give the configuration it was trained with, or none");
}

void check_base(const AdapterInfo& adapter, const BaseIdentity& base, const std::string& where) {
  const auto differ = [](const std::string& a, const std::string& b) {
    return !a.empty() && !b.empty() && a != b;
  };
  if (differ(adapter.base.weights_hash, base.weights_hash)) {
    throw Error(ErrorKind::config, where,
                "was trained on another base (" + adapter.base.path + "): weights " +
                    adapter.base.weights_hash.substr(0, 12) + ", those of " + base.path + " are " +
                    base.weights_hash.substr(0, 12),
                "give the base that it was trained on");
  }
  if (differ(adapter.base.tokenizer_hash, base.tokenizer_hash)) {
    throw Error(ErrorKind::config, where,
                "was trained with another tokenizer than that of " + base.path,
                "give the base that it was trained on");
  }
}

bool AdapterFile::is_adapter() const {
  return std::any_of(tensors.begin(), tensors.end(), is_lora);
}

AdapterFile load_adapter(const base::fs::path& path, const std::optional<LoraConfig>& told) {
  const bool peft = is_peft(path);
  AdapterFile file = peft ? load_peft(path) : load_checkpoint(path);
  if (file.tensors.empty()) throw Error(ErrorKind::corrupt, path.string(), "holds no tensors");
  if (!told) return file;
  if (!peft && !file.says_base) {
    file.info.lora = *told;
  } else {
    LoraConfig expected = *told;
    if (peft) expected.targets = file.info.lora.targets;  // there they are the tensors' own names
    check_lora(file.info.lora, expected, path.string());
  }
  return file;
}

}  // namespace koi::lm
