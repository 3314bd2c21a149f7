// The weights of convolutions as the loops read them.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "koi/codec/loops.h"
#include "koi/kernels/arena.h"
#include "koi/tensor/torch.h"

namespace koi::codec {

// The floats of a row of so many channels.
inline int64_t row_width(int64_t channels) { return (channels + kPanel - 1) / kPanel * kPanel; }

// The last axis filled up with zeros to row_width(); float32.
at::Tensor padded_row(const at::Tensor& x);

// Makes packed copies of many layers' weights: first all ask for theirs, then run() fills them.
class Packing {
 public:
  // Floats of these sizes, in large pages; fill(values), which must not throw, sets them in run().
  at::Tensor add(at::IntArrayRef sizes, std::function<void(float* values)> fill);
  // weights [taps, inputs, outputs] of any strides -> [panel, tap, input, kPanel].
  at::Tensor add_panels(const at::Tensor& weights);
  // On so many threads.
  void run(size_t threads);

 private:
  kernels::Arena arena_;
  std::vector<std::function<void()>> jobs_;
};

// Packed weights [panel, tap, input, kPanel].
struct PackedWeights {
  const float* values = nullptr;
  int64_t panels = 0, taps = 0, inputs = 0;
};
// The last four axes of packed weights.
PackedWeights packed_view(const at::Tensor& packed);

// A part of packed weights that stays in the first cache while rows go by.
struct WeightChunk {
  const float* weights = nullptr;
  int64_t column = 0;             // of the outputs, the panel's first
  int64_t tap = 0, taps = 0;      // from `tap` on
  int64_t input = 0, inputs = 0;  // from `input` on
  bool is_first() const { return tap == 0 && input == 0; }
};

// Calls work(chunk) for all of them, each panel's in order.
template <typename Work>
void for_chunks(const PackedWeights& packed, const Work& work) {
  constexpr int64_t kChunk = 512;  // times kPanel floats: 32 KB
  const int64_t most_taps = std::max<int64_t>(kChunk / packed.inputs, 1);
  const int64_t most_inputs = std::min(kChunk, packed.inputs);
  WeightChunk chunk{.weights = packed.values};
  for (int64_t panel = 0; panel < packed.panels; ++panel) {
    chunk.column = panel * kPanel;
    for (chunk.tap = 0; chunk.tap < packed.taps; chunk.tap += most_taps) {
      chunk.taps = std::min(most_taps, packed.taps - chunk.tap);
      for (chunk.input = 0; chunk.input < packed.inputs; chunk.input += most_inputs) {
        chunk.inputs = std::min(most_inputs, packed.inputs - chunk.input);
        work(chunk);
        chunk.weights += chunk.taps * chunk.inputs * kPanel;
      }
    }
  }
}

}  // namespace koi::codec
