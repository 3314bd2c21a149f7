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

  // Of the checkpoint's tokenizer. An absent vocab_size follows it.
  std::optional<int64_t> tokenizer_size = {};
  // Of the checkpoint's codec. Absent keys follow it where it is another one than the preset's:
  // codebook_size is one more than the codec's, since 0 stands for no code.
  int64_t codebooks = 8, codes = 1000;
  bool presets_codec = true;
};

// The values of `preset` (the text of a config.json, see preset_json) with those of `sizes` in
// their place. Throws as parse_config does, and Error(config) naming the key where the model would
// have another number of codebooks than the codec, other codes (more than needed are no harm above
// 1000, where none is spoken), fewer entries than the tokenizer, or a head_dim or fast_head_dim
// that is not dim / n_head of its part.
ModelConfig sized_config(std::string_view preset, const FreeSizes& sizes);

}  // namespace koi::lm
