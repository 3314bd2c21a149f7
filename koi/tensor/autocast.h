// Mixed precision: torch's autocast for the current thread.
#pragma once

#include <optional>

#include "koi/tensor/torch.h"

namespace koi::tensor {

// The dtype that matrix products are computed in at the moment; absent: their operands'.
std::optional<at::ScalarType> autocast_dtype(at::DeviceType device);

// While it lives, matrix products and attention on `device` are computed in `dtype`, whatever their
// operands' dtype, and losses and what else torch lists for it in float32. Absent: nothing is cast.
// Casts of parameters are not kept for a second use: in a training step there is none, and they
// would stay until the guard's end.
class AutocastGuard {
 public:
  AutocastGuard(at::DeviceType device, std::optional<at::ScalarType> dtype);
  ~AutocastGuard();
  AutocastGuard(const AutocastGuard&) = delete;
  AutocastGuard& operator=(const AutocastGuard&) = delete;

 private:
  void set(std::optional<at::ScalarType> dtype) const;

  at::DeviceType device_;
  std::optional<at::ScalarType> before_;
  bool cached_before_;
};

}  // namespace koi::tensor
