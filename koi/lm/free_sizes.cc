#include "koi/lm/free_sizes.h"

#include <nlohmann/json.hpp>

#include "koi/base/error.h"

namespace koi::lm {
namespace {

using Json = nlohmann::json;

constexpr int64_t kSpokenCodes = 1000;  // of a codebook, see speech::last_spoken_code

Json parse_keys(const FreeSizes& sizes) {
  Json keys = Json::parse(sizes.keys, nullptr, /*allow_exceptions=*/false);
  if (!keys.is_object())
    throw Error(ErrorKind::corrupt, sizes.where, "is no list of keys like \"dim: 128\"");
  const auto follow = [&](const char* key, int64_t value) {
    if (!keys.contains(key)) keys[key] = value;
  };
  if (sizes.tokenizer_size) follow("vocab_size", *sizes.tokenizer_size);
  if (!sizes.presets_codec) {
    follow("num_codebooks", sizes.codebooks);
    follow("codebook_size", sizes.codes + 1);
  }
  return keys;
}

}  // namespace

ModelConfig sized_config(std::string_view preset, const FreeSizes& sizes) {
  const Json keys = parse_keys(sizes);
  Json all = Json::parse(preset);
  all.update(keys);
  const ModelConfig config = parse_config(all.dump(), sizes.where);

  const auto fail = [&](const std::string& key, int64_t value, const std::string& expected) {
    throw Error(ErrorKind::config, sizes.where,
                "key \"" + key + "\" is " + std::to_string(value) + ", " + expected);
  };
  if (config.num_codebooks != sizes.codebooks) {
    fail("num_codebooks", config.num_codebooks,
         "the codec has " + std::to_string(sizes.codebooks) +
             "; leave the key out, or give the codec that belongs to it");
  }
  const int64_t needed = sizes.codes + 1;
  if (config.codebook_size < needed || (config.codebook_size > needed && needed <= kSpokenCodes)) {
    fail("codebook_size", config.codebook_size,
         "the codec's " + std::to_string(sizes.codes) + " codes take " + std::to_string(needed) +
             "; leave the key out, or give the codec that belongs to it");
  }
  if (sizes.tokenizer_size && config.vocab_size < *sizes.tokenizer_size) {
    fail("vocab_size", config.vocab_size,
         "the tokenizer has " + std::to_string(*sizes.tokenizer_size) +
             " entries; leave the key out");
  }
  const auto check_head = [&](const char* key, const BlockSizes& part) {
    const auto found = keys.find(key);
    if (found != keys.end() && *found != part.head_dim) {
      throw Error(ErrorKind::config, sizes.where,
                  "key \"" + std::string(key) + "\" is " + found->dump() + ", dim / n_head is " +
                      std::to_string(part.head_dim) + "; leave the key out");
    }
  };
  check_head("head_dim", slow_sizes(config));
  check_head("fast_head_dim", fast_sizes(config));
  return config;
}

}  // namespace koi::lm
