#include "koi/lm/config.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "koi/base/error.h"

namespace koi::lm {
namespace {

using Json = nlohmann::json;

// Larger than any model of this kind; what a file claims beyond is a fault, not a size to allocate.
constexpr int64_t kMaxWidth = 1 << 16;
constexpr int64_t kMaxEntries = 1 << 24;
constexpr int64_t kMaxPositions = 1 << 18;
constexpr int64_t kMaxLayers = 1024;
constexpr int64_t kMaxCodebooks = 256;

// Every key that decides something, with its place in the struct.
template <typename Config, typename Visitor>
void fields(Config& c, const Visitor& visit) {
  visit("attention_qkv_bias", c.attention_qkv_bias);
  visit("codebook_size", c.codebook_size);
  visit("dim", c.dim);
  visit("dropout", c.dropout);
  visit("fast_attention_qkv_bias", c.fast_attention_qkv_bias);
  visit("fast_dim", c.fast_dim);
  visit("fast_intermediate_size", c.fast_intermediate_size);
  visit("fast_n_head", c.fast_n_head);
  visit("fast_n_local_heads", c.fast_n_local_heads);
  visit("initializer_range", c.initializer_range);
  visit("intermediate_size", c.intermediate_size);
  visit("max_seq_len", c.max_seq_len);
  visit("n_fast_layer", c.n_fast_layer);
  visit("n_head", c.n_head);
  visit("n_layer", c.n_layer);
  visit("n_local_heads", c.n_local_heads);
  visit("norm_eps", c.norm_eps);
  visit("num_codebooks", c.num_codebooks);
  visit("rope_base", c.rope_base);
  visit("tie_word_embeddings", c.tie_word_embeddings);
  visit("use_gradient_checkpointing", c.use_gradient_checkpointing);
  visit("vocab_size", c.vocab_size);
}

// Reads values of one file and names it in errors.
class Reader {
 public:
  Reader(const Json& json, const std::string& where) : json_(json), where_(where) {}

  template <typename T>
  void operator()(const char* key, T& value) const {
    if (const Json* found = find(key)) read(key, *found, value);
  }

  [[noreturn]] void fail(const std::string& key, const std::string& what,
                         ErrorKind kind = ErrorKind::config) const {
    throw Error(kind, where_, "key \"" + key + "\" " + what);
  }

  // A key that koi knows in one setting only.
  void require(const char* key, const Json& only) const {
    const Json* found = find(key);
    if (found != nullptr && *found != only) {
      fail(key, "is " + found->dump() + ", koi knows only " + only.dump(), ErrorKind::unsupported);
    }
  }

 private:
  const Json* find(const char* key) const {
    const auto found = json_.find(key);
    if (found == json_.end()) return nullptr;
    // null means absent, for the keys that have no default of their own.
    return found->is_null() && std::string_view(key).starts_with("fast_") ? nullptr : &*found;
  }

  void read(const char* key, const Json& json, bool& value) const {
    if (!json.is_boolean()) fail(key, "is " + json.dump() + ", true or false was expected");
    value = json.get<bool>();
  }
  void read(const char* key, const Json& json, int64_t& value) const {
    const bool fits = json.is_number_integer() &&
                      !(json.is_number_unsigned() && json.get<uint64_t>() > INT64_MAX);
    if (!fits) fail(key, "is " + json.dump() + ", an integer was expected");
    value = json.get<int64_t>();
  }
  void read(const char* key, const Json& json, double& value) const {
    if (!json.is_number()) fail(key, "is " + json.dump() + ", a number was expected");
    value = json.get<double>();
  }
  template <typename T>
  void read(const char* key, const Json& json, std::optional<T>& value) const {
    read(key, json, value.emplace());
  }

  const Json& json_;
  const std::string& where_;
};

void check_keys(const Json& json, const Reader& reader) {
  std::set<std::string> known = {"model_type", "head_dim", "fast_head_dim", "is_reward_model",
                                 "share_codebook_embeddings"};
  ModelConfig config;
  fields(config, [&](const char* key, auto&) { known.insert(key); });
  for (const auto& [key, value] : json.items())
    if (!known.contains(key)) reader.fail(printable(key), "is unknown");
  reader.require("model_type", "dual_ar");
  reader.require("is_reward_model", false);
  reader.require("share_codebook_embeddings", true);
}

void check_part(const BlockSizes& sizes, const std::string& prefix, const Reader& reader) {
  const auto check_range = [&](const std::string& key, int64_t value) {
    if (value < 1 || value > kMaxWidth) {
      reader.fail(prefix + key,
                  "is " + std::to_string(value) + ", expected 1 to " + std::to_string(kMaxWidth));
    }
  };
  check_range("dim", sizes.dim);
  check_range("n_head", sizes.n_head);
  check_range("n_local_heads", sizes.n_local_heads);
  check_range("intermediate_size", sizes.intermediate_size);
  if (sizes.dim % sizes.n_head != 0 || (sizes.dim / sizes.n_head) % 2 != 0) {
    reader.fail(prefix + "dim", "is " + std::to_string(sizes.dim) +
                                    ", expected an even multiple of " + prefix + "n_head " +
                                    std::to_string(sizes.n_head));
  }
  if (sizes.n_head % sizes.n_local_heads != 0) {
    reader.fail(prefix + "n_local_heads", "is " + std::to_string(sizes.n_local_heads) +
                                              ", which does not divide " + prefix + "n_head " +
                                              std::to_string(sizes.n_head));
  }
}

void check_values(const ModelConfig& config, const Reader& reader) {
  const auto check_range = [&](const char* key, int64_t value, int64_t max) {
    if (value < 1 || value > max)
      reader.fail(key, "is " + std::to_string(value) + ", expected 1 to " + std::to_string(max));
  };
  check_range("vocab_size", config.vocab_size, kMaxEntries);
  check_range("codebook_size", config.codebook_size, kMaxEntries / kMaxCodebooks);
  check_range("num_codebooks", config.num_codebooks, kMaxCodebooks);
  check_range("n_layer", config.n_layer, kMaxLayers);
  check_range("n_fast_layer", config.n_fast_layer, kMaxLayers);
  check_range("max_seq_len", config.max_seq_len, kMaxPositions);
  check_range("dim", config.dim, kMaxWidth);
  check_range("n_head", config.n_head, kMaxWidth);
  check_range("fast_n_head", config.fast_n_head.value_or(config.n_head), kMaxWidth);
  check_part(slow_sizes(config), "", reader);
  check_part(fast_sizes(config), "fast_", reader);
  const auto check_number = [&](const char* key, double value, bool good, const char* expected) {
    if (!good) reader.fail(key, "is " + Json(value).dump() + ", expected " + expected);
  };
  check_number("dropout", config.dropout, config.dropout >= 0 && config.dropout < 1,
               "0 to below 1");
  check_number("norm_eps", config.norm_eps, config.norm_eps >= 0 && config.norm_eps < 1,
               "0 to below 1");
  check_number("rope_base", config.rope_base,
               config.rope_base >= 1 && std::isfinite(config.rope_base), "1 or more");
  check_number("initializer_range", config.initializer_range,
               config.initializer_range >= 0 && config.initializer_range < 1e3, "0 to below 1000");
}

}  // namespace

BlockSizes slow_sizes(const ModelConfig& config) {
  constexpr int64_t kMultiple = 256;
  const int64_t derived = (8 * config.dim / 3 + kMultiple - 1) / kMultiple * kMultiple;
  return {.dim = config.dim,
          .n_head = config.n_head,
          .n_local_heads = config.n_local_heads == -1 ? config.n_head : config.n_local_heads,
          .head_dim = config.dim / config.n_head,
          .intermediate_size = config.intermediate_size.value_or(derived),
          .qkv_bias = config.attention_qkv_bias,
          .norm_eps = config.norm_eps,
          .dropout = config.dropout};
}

BlockSizes fast_sizes(const ModelConfig& config) {
  BlockSizes sizes = slow_sizes(config);
  sizes.dim = config.fast_dim.value_or(sizes.dim);
  sizes.n_head = config.fast_n_head.value_or(sizes.n_head);
  sizes.n_local_heads = config.fast_n_local_heads.value_or(sizes.n_local_heads);
  sizes.head_dim = sizes.dim / sizes.n_head;
  sizes.intermediate_size = config.fast_intermediate_size.value_or(sizes.intermediate_size);
  sizes.qkv_bias = config.fast_attention_qkv_bias.value_or(sizes.qkv_bias);
  return sizes;
}

ModelConfig parse_config(std::string_view text, const std::string& where) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object())
    throw Error(ErrorKind::corrupt, where, "is not a JSON object, a model's config was expected");
  const Reader reader(json, where);
  check_keys(json, reader);
  ModelConfig config;
  fields(config, reader);
  check_values(config, reader);
  return config;
}

ModelConfig read_config(const base::fs::path& path) {
  constexpr uint64_t kMaxBytes = 1 << 20;
  return parse_config(base::read_file(path, kMaxBytes), path.string());
}

std::string config_json(const ModelConfig& config) {
  ModelConfig full = config;
  const BlockSizes slow = slow_sizes(config);
  const BlockSizes fast = fast_sizes(config);
  full.intermediate_size = slow.intermediate_size;
  full.n_local_heads = slow.n_local_heads;
  full.fast_dim = fast.dim;
  full.fast_n_head = fast.n_head;
  full.fast_n_local_heads = fast.n_local_heads;
  full.fast_intermediate_size = fast.intermediate_size;
  full.fast_attention_qkv_bias = fast.qkv_bias;

  Json json = {{"model_type", "dual_ar"},
               {"head_dim", slow.head_dim},
               {"fast_head_dim", fast.head_dim},
               {"is_reward_model", false},
               {"share_codebook_embeddings", true}};
  fields(full, [&](const char* key, const auto& value) {
    if constexpr (requires { *value; }) {
      json[key] = *value;
    } else {
      json[key] = value;
    }
  });
  return json.dump(4);
}

}  // namespace koi::lm
