#include "koi/lm/peft.h"

#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "koi/base/error.h"
#include "koi/checkpoint/safetensors.h"
#include "koi/lm/lora_targets.h"

namespace koi::lm {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kConfig[] = "adapter_config.json";
constexpr char kWeights[] = "adapter_model.safetensors";
constexpr std::string_view kPrefix = "base_model.model.";
constexpr uint64_t kMaxConfigBytes = uint64_t{1} << 20;
constexpr int kMaxDepth = 16;  // what PEFT writes has 3 levels

// Keys of our own in the safetensors' metadata.
constexpr char kBaseHash[] = "koi_base_hash";
constexpr char kTokenizerHash[] = "koi_tokenizer_hash";
constexpr char kVersion[] = "koi_version";

// Settings that make of LoRA something else, unless they are absent, null, false or empty.
constexpr std::array kOtherKinds{"use_dora",
                                 "use_qalora",
                                 "use_bdlora",
                                 "fan_in_fan_out",
                                 "lora_bias",
                                 "rank_pattern",
                                 "alpha_pattern",
                                 "modules_to_save",
                                 "kasa_config",
                                 "layer_replication",
                                 "arrow_config",
                                 "alora_invocation_tokens",
                                 "trainable_token_indices",
                                 "target_parameters"};
// Ways to begin that leave the base's weights as they are; others train on changed ones.
const std::set<Json> kPlainBeginnings{true, false, "gaussian", "orthogonal", "eva"};

bool is_embedding(std::string_view module) { return module.ends_with("embeddings"); }

// Throws unless it is a matrix of the rank under the name MODULE.lora_A or MODULE.lora_B.
void check_tensor(const std::string& name, const checkpoint::TensorView& tensor,
                  const AdapterFile& adapter) {
  const std::string where = adapter.path.string();
  const bool is_a = name.ends_with(".lora_A");
  if (!is_a && !name.ends_with(".lora_B"))
    throw Error(ErrorKind::corrupt, where, "has the tensor " + name + ", which is none of LoRA's");
  const int64_t r = adapter.info.lora.r;
  if (tensor.shape.size() == 2 && tensor.shape[is_a ? 0 : 1] == r) return;
  throw Error(ErrorKind::config, where,
              name + " has the shape " + checkpoint::shape_text(tensor.shape) + ", r is " +
                  std::to_string(r),
              "choose the LoRA configuration it was trained with");
}

// "layers.0.attention.wo.lora_A" -> "base_model.model.layers.0.attention.wo.lora_A.weight".
std::string peft_name(const std::string& name) {
  const std::string module = name.substr(0, name.rfind('.'));
  const std::string letter = name.substr(name.size() - 1);
  return std::string(kPrefix) + module +
         (is_embedding(module) ? ".lora_embedding_" + letter : ".lora_" + letter + ".weight");
}

// The other way; throws where it is none.
std::string own_name(const std::string& name, const std::string& where) {
  std::string_view rest = name;
  const bool prefixed = rest.starts_with(kPrefix);
  if (prefixed) rest.remove_prefix(kPrefix.size());
  for (const char* letter : {"A", "B"}) {
    for (const std::string& ending :
         {std::string(".lora_embedding_") + letter, std::string(".lora_") + letter + ".weight"}) {
      if (!prefixed || !rest.ends_with(ending)) continue;
      return std::string(rest.substr(0, rest.size() - ending.size())) + ".lora_" + letter;
    }
  }
  throw Error(ErrorKind::unsupported, where, "has the tensor " + name + ", which is none of LoRA's",
              "koi reads plain LoRA adapters");
}

bool says_nothing(const Json& value) { return value.is_null() || value == false || value.empty(); }

class Config {
 public:
  explicit Config(const base::fs::path& path) : where_(path.string()) {
    const auto limit_depth = [&](int depth, Json::parse_event_t, const Json&) {
      if (depth > kMaxDepth) fail("is nested too deeply");
      return true;
    };
    try {
      json_ = Json::parse(base::read_file(path, kMaxConfigBytes), limit_depth);
    } catch (const Json::exception&) {
      fail("is no JSON");
    }
    if (!json_.is_object()) fail("is no JSON object");
    check_kind();
  }

  LoraConfig lora() const {
    try {
      const Json& rank = json_.at("r");
      if (!rank.is_number_integer()) fail("has an r that is no integer");
      return {.r = rank.get<int64_t>(),
              .alpha = json_.at("lora_alpha").get<double>(),
              .dropout = json_.value("lora_dropout", 0.0),
              .targets = {},
              .use_rslora = json_.value("use_rslora", false)};
    } catch (const Json::exception&) {
      fail("lacks a proper r, lora_alpha, lora_dropout or use_rslora");
    }
  }

  std::string base() const {
    const auto name = json_.find("base_model_name_or_path");
    return name != json_.end() && name->is_string() ? name->get<std::string>() : std::string();
  }

 private:
  void check_kind() const {
    const auto require = [&](const char* key, const char* known) {
      const auto found = json_.find(key);
      if (found == json_.end() || *found == known) return;
      refuse(std::string(key) + " is " + found->dump() + ", koi knows " + known);
    };
    require("peft_type", "LORA");
    require("bias", "none");
    for (const char* key : kOtherKinds) {
      const auto found = json_.find(key);
      if (found != json_.end() && !says_nothing(*found)) refuse(std::string(key) + " is set");
    }
    const auto beginning = json_.find("init_lora_weights");
    if (beginning != json_.end() && !kPlainBeginnings.contains(*beginning))
      refuse("init_lora_weights is " + beginning->dump() + ", which changes the base");
  }
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorKind::unsupported, where_, what, "koi reads plain LoRA adapters");
  }
  [[noreturn]] void fail(const char* what) const {
    throw Error(ErrorKind::corrupt, where_, what, "get the adapter again");
  }

  std::string where_;
  Json json_;
};

// In the order of the tensors.
std::vector<std::string> modules_of(const checkpoint::StateDict& tensors) {
  std::vector<std::string> modules;
  std::set<std::string> seen;
  for (const auto& [name, tensor] : tensors) {
    const std::string module = name.substr(0, name.rfind('.'));
    if (seen.insert(module).second) modules.push_back(module);
  }
  return modules;
}

}  // namespace

AdapterFile load_peft(const base::fs::path& path) {
  const bool is_folder = base::fs::is_directory(path);
  const base::fs::path folder = is_folder ? path : path.parent_path();
  const base::fs::path weights = is_folder ? path / kWeights : path;
  const Config config(folder / kConfig);
  checkpoint::SafetensorsFile content = checkpoint::load_safetensors(weights);

  AdapterFile file{
      .path = path, .tensors = {}, .info = {.lora = config.lora(), .base = {}, .koi_version = {}}};
  std::set<std::string> names;
  for (auto& [name, tensor] : content.tensors) {
    const std::string own = own_name(name, weights.string());
    if (!names.insert(own).second)
      throw Error(ErrorKind::corrupt, weights.string(), "has two tensors for " + own);
    file.tensors.emplace_back(own, std::move(tensor));
  }
  for (const std::string& module : modules_of(file.tensors))
    file.info.lora.targets.push_back(target_of(module));
  file.info.base = {.path = config.base(),
                    .weights_hash = content.metadata[kBaseHash],
                    .tokenizer_hash = content.metadata[kTokenizerHash]};
  file.info.koi_version = content.metadata[kVersion];
  file.says_base = !file.info.base.weights_hash.empty();
  return file;
}

void save_peft(const AdapterFile& adapter, const base::fs::path& folder) {
  if (!adapter.is_adapter()) {
    throw Error(ErrorKind::usage, adapter.path.string(), "is a full fine-tune, no adapter",
                "koi merge-lora makes a checkpoint folder of it");
  }
  checkpoint::SafetensorsFile content;
  content.metadata = {{"format", "pt"},
                      {kBaseHash, adapter.info.base.weights_hash},
                      {kTokenizerHash, adapter.info.base.tokenizer_hash},
                      {kVersion, adapter.info.koi_version}};
  for (const auto& [name, tensor] : adapter.tensors) {
    check_tensor(name, tensor, adapter);
    content.tensors.emplace_back(peft_name(name), tensor);
  }
  checkpoint::save_safetensors(folder / kWeights, content);

  const LoraConfig& lora = adapter.info.lora;
  const std::string& base = adapter.info.base.path;
  const Json config = {{"peft_type", "LORA"},
                       {"task_type", nullptr},
                       {"base_model_name_or_path", base.empty() ? Json(nullptr) : Json(base)},
                       {"r", lora.r},
                       {"lora_alpha", lora.alpha},
                       {"lora_dropout", lora.dropout},
                       {"use_rslora", lora.use_rslora},
                       {"bias", "none"},
                       {"fan_in_fan_out", false},
                       {"inference_mode", true},
                       {"target_modules", modules_of(adapter.tensors)}};
  base::write_file(folder / kConfig,
                   config.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace koi::lm
