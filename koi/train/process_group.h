// The processes that train one model together, on torch's c10d. Its types stay behind this header.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "koi/base/error.h"
#include "koi/base/launch.h"
#include "koi/tensor/torch.h"

namespace koi::train {

enum class Backend { gloo, nccl };  // tensors on the CPU, on GPUs

struct ProcessGroupOptions {
  Backend backend = Backend::gloo;
  // How long the ranks wait for each other to appear, and how long one may show no sign of life
  // before all others end. A rank that is merely slow is waited for.
  double timeout_s = 30;
  // Called on another thread with the line to print where a rank is lost and this one asks nothing
  // of the group for a while (it computes, or writes a file): what it does now will never be
  // finished. It should end the process. May be empty.
  std::function<void(const Error&)> lost;
};

// All calls are collective: every rank makes the same ones in the same order. Each throws Error(io)
// in every rank within timeout_s where a rank is dead or hung, saying so; the group is of no use
// then. A world of 1 needs no network, and its calls do nothing.
class ProcessGroup {
 public:
  // Waits for all ranks to come. Throws Error(io) naming those that do not, Error(unsupported)
  // where the backend is not built or not usable.
  ProcessGroup(const base::Launch& launch, const ProcessGroupOptions& options);
  // Without finish() (an exception, say) the other ranks take this one for lost.
  ~ProcessGroup();
  ProcessGroup(ProcessGroup&&) noexcept;
  ProcessGroup& operator=(ProcessGroup&&) noexcept;

  int rank() const { return rank_; }
  int size() const { return size_; }
  bool is_first() const { return rank_ == 0; }

  // Replaces each tensor (of any number, shape and floating dtype; nccl takes those of the rank's
  // GPU only) by its sum over all ranks, the same bits everywhere and in every run. Many small ones
  // travel together; half precision is added up in float32. Throws Error(internal) where ranks
  // bring different numbers of elements.
  void sum_tensors(const std::vector<at::Tensor>& tensors);

  // Replaces each tensor by rank 0's.
  void broadcast(const std::vector<at::Tensor>& tensors);

  // Sums of a few numbers (counts, losses), element by element.
  std::vector<double> sum_numbers(std::vector<double> numbers);

  // Whether any rank says so.
  bool any(bool here);

  // Returns when all ranks have come here.
  void barrier();

  // Throws Error(config) in all ranks where `text` is not the same everywhere; `what` names it
  // ("the configuration").
  void require_same(const std::string& what, const std::string& text);

  // Throws where a rank is lost, and costs nothing: for long work between two calls.
  void check();

  // The orderly end, a barrier: no call may follow.
  void finish();

 private:
  class Network;
  std::unique_ptr<Network> network_;  // none in a world of 1
  int rank_ = 0;
  int size_ = 1;
};

}  // namespace koi::train
