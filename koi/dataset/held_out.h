// Which sentences never enter training, so that a loss on them says how the voice will do on new
// texts.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "koi/dataset/shard.h"

namespace koi::dataset {

struct HeldOutOptions {
  double share = 0.05;  // of all sentences, 0 to below 1; 0: none
  int64_t least = 1;    // sentences, where there are two different texts at all
  int64_t most = 100;
};

// What tells texts apart: the SHA-256 of the cleaned text.
std::string text_hash(const std::string& text);

// The SHA-256 of the cleaned texts (the first spelling) to hold out, lowest first until there are
// enough sentences: the same ones whatever the order of the shards, the number of ranks or the
// seed, and all recordings of one text on the same side, so that the last text's may pass the
// count. At least one text stays for training. Throws Error(config) for a share out of range.
std::set<std::string> choose_held_out(const std::vector<TextData>& groups,
                                      const HeldOutOptions& options);

// Takes the sentences with these texts out of `groups`, and gives them; groups that are left
// without a sentence go.
std::vector<TextData> take_out(std::vector<TextData>& groups, const std::set<std::string>& texts);

}  // namespace koi::dataset
