// Codes to audio while the codes are still coming.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "koi/codec/firefly.h"

namespace koi::codec {

// One sequence. All convolutions are causal, so that a column's samples are complete when the
// column is there; each layer keeps the inputs that its next outputs see, and memory does not grow.
// On a CPU the samples are those of Firefly::decode of all columns, bit for bit, however the
// columns are cut into pushes, and for any number of threads. On a GPU each push decodes the
// columns that its samples see once more, and samples may differ in their last bits.
class DecodeStream {
 public:
  // `codec` must outlive the stream. Works on so many threads; 0: tensor::thread_count().
  explicit DecodeStream(const Firefly& codec, size_t threads = 0);

  // For the pushes to come.
  void set_threads(size_t threads);

  // `codes` integer [K, T], the next T columns -> their T * samples_per_column samples, within
  // (-1, 1). T may be 0. Throws Error(corrupt) as Firefly::decode; the stream then stands where it
  // stood.
  std::vector<float> push(const at::Tensor& codes);
  // The same, to `samples`.
  void push(const at::Tensor& codes, float* samples);

 private:
  void push_rows(const at::Tensor& codes, float* samples);
  void push_window(const at::Tensor& codes, float* samples);

  const Firefly& codec_;
  // On a CPU:
  std::shared_ptr<const RowDecoder> decoder_;
  std::optional<RowDecoder::State> state_;
  // On a GPU: [K, C], the columns before the next one that its samples see.
  at::Tensor seen_;
};

}  // namespace koi::codec
