// A base checkpoint folder and adapters, or the weights of a full fine-tune, become a plain
// checkpoint folder.
#pragma once

#include <string>
#include <vector>

#include "koi/base/files.h"
#include "koi/lm/adapters.h"
#include "koi/lm/checkpoint.h"

namespace koi::lm {

struct MergeOptions {
  base::fs::path base;                    // checkpoint folder
  std::vector<WeightedAdapter> adapters;  // at least one; or one full fine-tune of weight 1
  base::fs::path output;                  // folder to make
  bool overwrite = false;                 // an output folder that a merge made may be replaced
  at::Device device = at::kCPU;
};

struct MergeReport {
  size_t tensors = 0;
  at::ScalarType dtype = at::kFloat;  // the base's, and so the output's
  std::vector<std::string> copied;    // names of the files copied from the base
  // On a short fixed input, in fp32: the largest difference between logits of the merged weights
  // and of base + adapter (what rounding to `dtype` costs), and the largest logit.
  double max_difference = 0;
  double max_logit = 0;
};

// Writes model.pth with the base's keys and dtype; the base's other .json, .yaml and .pth files
// (config, tokenizer, codec) are copied byte for byte; koi_merge.json says where it came from. The
// folder appears whole or not at all. The products of A and B are fp32 and added before the one
// rounding to the base's dtype. Throws Error for all that load_model and put_adapters refuse
// (another base among it), for adapters that change no weight or are not finite, for an output
// folder that is there already, and Error(usage) for a full fine-tune with a weight or beside
// others.
// Differs: the reference does not copy the codec, does not look at its result, and merges one
// adapter only.
MergeReport merge_checkpoint(const MergeOptions& options);

}  // namespace koi::lm
