// Which sentences never enter training, so that a loss on them says how the voice will do on new
// texts.
#pragma once

#include <cstdint>
#include <vector>

#include "koi/dataset/shard.h"

namespace koi::dataset {

struct HeldOutOptions {
  double share = 0.05;  // of all sentences, 0 to below 1; 0: none
  int64_t least = 1;    // sentences, where there are two different texts at all
  int64_t most = 100;
};

struct HeldOutSplit {
  std::vector<TextData> train, held_out;  // records of no sentence are left out
  int64_t held_out_sentences = 0;
};

// Chosen by the SHA-256 of the cleaned text (the first spelling), lowest first: the same sentences
// whatever the order of the shards, the number of ranks or the seed, and all recordings of one text
// on the same side, so that the count may be passed by the last text's. At least one text stays for
// training. Throws Error(config) for a share out of range.
HeldOutSplit hold_out(std::vector<TextData> groups, const HeldOutOptions& options);

}  // namespace koi::dataset
