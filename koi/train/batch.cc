#include "koi/train/batch.h"

namespace koi::train {
namespace {

at::Tensor copy_of(const std::vector<int64_t>& values, at::IntArrayRef shape) {
  auto tensor = at::empty(shape, at::kLong);
  std::copy(values.begin(), values.end(), tensor.mutable_data_ptr<int64_t>());
  return tensor;
}

}  // namespace

int64_t Batch::token_count() const {
  const int64_t padded = padding.defined() ? padding.sum().item<int64_t>() : 0;
  return tokens.size(0) * tokens.size(2) - padded;
}

Batch to_batch(const dataset::Batch& batch) {
  Batch result;
  result.tokens = copy_of(batch.tokens, {batch.size, batch.rows, batch.columns});
  result.labels = copy_of(batch.labels, {batch.size, batch.rows, batch.columns});
  result.segments = batch.segments;
  if (!batch.alignment.empty()) {
    result.alignment = copy_of(batch.alignment, {static_cast<int64_t>(batch.alignment.size())});
  }
  result.padding = at::empty({batch.size, batch.columns}, at::kBool);
  std::copy(batch.attention_mask.begin(), batch.attention_mask.end(),
            result.padding.mutable_data_ptr<bool>());
  return result;
}

}  // namespace koi::train
