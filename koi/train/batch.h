// Batches as tensors.
#pragma once

#include "koi/dataset/sample.h"
#include "koi/tensor/torch.h"

namespace koi::train {

struct Batch {
  at::Tensor tokens;   // int64 [B, 1+K, T], row 0 token ids, rows 1.. model codes
  at::Tensor labels;   // int64 [B, 1+K, T], -100 where no loss counts
  at::Tensor padding;  // bool [B, T], true where padded; may be undefined
  // Lengths of the samples that stand one behind the other in the only row; empty: a row a sample.
  std::vector<int64_t> segments = {};
  // int64 [B*T], the token that is spoken in the next column's frame, -100 where there is none; may
  // be undefined.
  at::Tensor alignment = {};
  at::Tensor heard = {};  // see lm::DualArInput

  int64_t token_count() const;  // positions that are no padding
};

// A copy, on the CPU.
Batch to_batch(const dataset::Batch& batch);

}  // namespace koi::train
