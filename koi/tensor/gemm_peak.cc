#include "koi/tensor/gemm_peak.h"

#include <algorithm>
#include <chrono>

namespace koi::tensor {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Reading an element waits for the device.
double time_product(const at::Tensor& a, at::Tensor& out) {
  const auto start = Clock::now();
  at::mm_out(out, a, a);
  out[0][0].item();
  return seconds_since(start);
}

}  // namespace

double measure_gemm_peak(at::ScalarType dtype, at::Device device, double seconds) {
  constexpr int64_t kLargest = 8192;
  constexpr double kLongEnough_s = 5e-3;  // far above what a call costs
  const at::NoGradGuard no_grad;
  const auto start = Clock::now();
  double best = 0;
  for (int64_t n = 256; n <= kLargest; n *= 2) {
    const auto a = at::ones({n, n}, at::device(device).dtype(dtype));
    auto out = at::empty_like(a);
    const double flops =
        2.0 * static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n);
    double fastest = time_product(a, out);  // warms up too
    do {
      fastest = std::min(fastest, time_product(a, out));
    } while (seconds_since(start) < seconds && (fastest >= kLongEnough_s || n == kLargest));
    best = std::max(best, flops / fastest);
    if (seconds_since(start) >= seconds) break;
  }
  return best;
}

}  // namespace koi::tensor
