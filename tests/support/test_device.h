// Where the models' parity tests compute: the environment variable KOI_TEST_DEVICE (cpu, cuda,
// cuda:N; `make test-cuda`), by default the CPU.
#pragma once

#include <cstdlib>

#include "koi/tensor/device.h"

namespace koi::test {

// Throws as tensor::choose_device, where there is no such GPU.
inline at::Device test_device() {
  static const at::Device device = [] {
    const char* name = std::getenv("KOI_TEST_DEVICE");
    return tensor::choose_device(name != nullptr ? name : "cpu");
  }();
  return device;
}

// Of the CPU's tolerance what holds there: a GPU sums float32 in another order, with some fewer
// exact products, so errors are larger by a factor that was not measured yet.
inline double tolerance(double on_cpu) {
  constexpr double kOnGpu = 10;
  return test_device().is_cpu() ? on_cpu : kOnGpu * on_cpu;
}

}  // namespace koi::test
