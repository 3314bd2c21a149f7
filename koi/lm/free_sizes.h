// The config.json of a model from scratch whose sizes are the user's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "koi/lm/config.h"

namespace koi::lm {

struct FreeSizes {
  std::string keys = "{}";  // a JSON object with keys of config.json
  std::string where = {};   // the file that they are from, for errors

  // What the other files of the checkpoint have. Absent keys follow what is given here.
  std::optional<int64_t> tokenizer_size = {};
  std::optional<int64_t> codebooks = {}, codebook_size = {};
};

// The values of `preset` (the text of a config.json, see preset_json) with those of `sizes` in
// their place. Throws as parse_config does, and Error(config) naming the key where the model would
// have other codebooks than the codec, fewer entries than the tokenizer, or a head_dim or
// fast_head_dim that is not dim / n_head of its part.
ModelConfig sized_config(std::string_view preset, const FreeSizes& sizes);

}  // namespace koi::lm
