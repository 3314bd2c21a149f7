// Work that a GPU is shown once and then does again by itself, which spares the host one launch per
// kernel (CUDA graphs).
#pragma once

#include <ATen/core/GraphImplInterface.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "koi/tensor/torch.h"

namespace koi::tensor {

enum class Recording { where_possible, never };

// The same work, done many times in order. What differs from time to time lies in tensors that were
// made before and stay where they are: `work` reads them, and leaves its results in such tensors.
// It must not wait for the device, nor ask what a tensor holds.
class WorkGraphs {
 public:
  explicit WorkGraphs(at::Device device, Recording recording = Recording::where_possible)
      : device_(device), recording_(recording) {}

  // Does `work`. Calls with the same `key` have to ask for the same operations on the same tensors.
  // On a GPU the first call runs it, so that libraries set themselves up, the second records it,
  // and from then on the recording is played; in a stream other than the default one. Elsewhere
  // every call runs it. Throws what `work` throws, and c10::Error for what cannot be recorded.
  void run(int64_t key, const std::function<void()>& work);

 private:
  void record(at::GraphImplInterface& graph, const std::function<void()>& work);

  at::Device device_;
  Recording recording_;
  std::map<int64_t, std::unique_ptr<at::GraphImplInterface>> graphs_;  // null: was run once
  c10::MempoolId_t pool_{0, 0};  // they are played one after the other, so they share memory
};

}  // namespace koi::tensor
