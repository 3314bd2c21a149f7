#include "koi/tensor/gemm_peak.h"

#include <gtest/gtest.h>

#include <chrono>

#include "koi/tensor/device.h"

namespace koi::tensor {
namespace {

TEST(GemmPeak, NoProductIsFaster) {
  set_threads(1);
  const double peak = measure_gemm_peak(at::kFloat, at::kCPU, 0.2);
  const auto a = at::ones({512, 512});
  double best = 0;
  for (int i = 0; i < 20; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const auto product = at::mm(a, a);
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    best = std::max(best, 2.0 * 512 * 512 * 512 / spent.count());
  }
  // Of the same size on a machine that others use too: equal within a factor of three.
  EXPECT_GT(peak, best / 3);
  EXPECT_LT(peak, 3 * best);
}

TEST(GemmPeak, TakesAboutTheTimeItIsGiven) {
  set_threads(1);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_GT(measure_gemm_peak(at::kFloat, at::kCPU, 0.1), 1e8);
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  EXPECT_LT(spent.count(), 2.0);
}

}  // namespace
}  // namespace koi::tensor
