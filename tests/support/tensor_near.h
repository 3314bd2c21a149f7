// Tensors in tests: goldens read, values compared.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "koi/checkpoint/npy.h"
#include "koi/tensor/bridge.h"
#include "koi/tensor/torch.h"
#include "tests/support/goldens.h"

namespace koi::test {

// A .npy of the goldens.
inline at::Tensor read_tensor(const std::string& relative) {
  return tensor::to_tensor(checkpoint::read_npy(golden(relative)));
}

// The largest absolute difference; NaN where either holds one, infinite where the shapes differ.
inline double max_difference(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes()) return std::numeric_limits<double>::infinity();
  if (a.numel() == 0) return 0;
  const auto exact = [](const at::Tensor& x) { return x.detach().to(at::kCPU, at::kDouble); };
  return (exact(a) - exact(b)).abs().max().item<double>();
}

inline void expect_near(const at::Tensor& actual, const at::Tensor& expected, double tolerance,
                        const std::string& what) {
  EXPECT_EQ(actual.sizes(), expected.sizes()) << what;
  EXPECT_LE(max_difference(actual, expected), tolerance) << what;  // fails for NaN too
}

// With a .npy of the goldens, if the set has it.
inline void expect_recorded(const at::Tensor& actual, const std::string& relative,
                            double tolerance) {
  if (have_golden(relative)) expect_near(actual, read_tensor(relative), tolerance, relative);
}

}  // namespace koi::test
