#include "koi/lm/free_sizes.h"

#include <nlohmann/json.hpp>

#include "koi/base/error.h"

namespace koi::lm {
namespace {

using Json = nlohmann::json;

Json parse_keys(const FreeSizes& sizes) {
  Json keys = Json::parse(sizes.keys, nullptr, /*allow_exceptions=*/false);
  if (!keys.is_object())
    throw Error(ErrorKind::corrupt, sizes.where, "is no list of keys like \"dim: 128\"");
  const auto follow = [&](const char* key, std::optional<int64_t> value) {
    if (value && !keys.contains(key)) keys[key] = *value;
  };
  follow("vocab_size", sizes.tokenizer_size);
  follow("num_codebooks", sizes.codebooks);
  follow("codebook_size", sizes.codebook_size);
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
  const auto check_codec = [&](const char* key, int64_t value, std::optional<int64_t> codecs) {
    if (codecs && value != *codecs)
      fail(key, value, "the codec's is " + std::to_string(*codecs) + "; leave the key out");
  };
  check_codec("num_codebooks", config.num_codebooks, sizes.codebooks);
  check_codec("codebook_size", config.codebook_size, sizes.codebook_size);
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
