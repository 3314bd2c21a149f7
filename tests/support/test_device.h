// Where the models' parity tests compute: the environment variable KOI_TEST_DEVICE (cpu, cuda,
// cuda:N; `make test-cuda`), by default the CPU. Tolerances are the same everywhere.
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

}  // namespace koi::test
