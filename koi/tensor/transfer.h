// Values between the host and a device, without waiting for the device. On a CPU they are copied at
// once.
#pragma once

#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>

#include <deque>
#include <optional>

#include "koi/tensor/torch.h"

namespace koi::tensor {

// On the CPU, where transfers to and from `device` need no copy in between (page-locked memory).
// Uninitialised.
at::Tensor staging(at::IntArrayRef shape, at::ScalarType dtype, at::Device device);

// A tensor of the CPU on `device`: itself on the CPU.
at::Tensor upload(const at::Tensor& values, at::Device device);

// Waits for all that `device` was asked for, by anybody.
void wait_for(at::Device device);

// What this thread asks of a device goes into a stream of its own while a Scope lives. Other
// streams do not wait for it, nor it for them: wait_for() stands between.
class OwnStream {
 public:
  explicit OwnStream(at::Device device);

  class Scope {
   public:
    explicit Scope(const OwnStream& own) : guard_(own.stream_) {}

   private:
    c10::OptionalStreamGuard guard_;
  };

 private:
  std::optional<c10::Stream> stream_;  // none on the CPU
};

// Copies of a device's tensors that are read later, in order.
class LateReads {
 public:
  explicit LateReads(at::Device device) : device_(device) {}

  // Of the values that `source` has when the present stream comes to this.
  void push(const at::Tensor& source);
  // The oldest, on the CPU. Waits for it, and not for what was asked for behind it.
  at::Tensor pop();
  size_t size() const { return copies_.size(); }
  void clear() { copies_.clear(); }

 private:
  struct Copy {
    at::Tensor values;
    std::optional<c10::Event> done;  // none on the CPU
  };

  at::Device device_;
  std::deque<Copy> copies_;
};

}  // namespace koi::tensor
