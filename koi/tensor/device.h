// Where to compute, and with how many threads.
#pragma once

#include <exception>
#include <optional>
#include <string>

#include "koi/tensor/torch.h"

namespace koi::tensor {

// "auto" (a usable GPU, else the CPU), "cpu", "cuda" or "cuda:N". Loads libtorch_cuda.so and
// libkoi_cuda.so on demand, and tries the GPU, which computes float32 as such from then on (no
// TF32). Throws Error(usage) for another word and Error(unsupported) for a GPU that is not there or
// cannot be used, with what is missing.
at::Device choose_device(const std::string& name);

// How many GPUs this process sees and can use.
int gpu_count();

// The most memory of a GPU that this process has taken; 0 on the CPU.
int64_t peak_device_bytes(at::Device device);

// One line for what libtorch throws where a GPU's memory is full or the GPU fails, with what to do;
// nothing for other exceptions.
std::optional<std::string> explain_device_error(const std::exception& error);

// 0 means the cores this process may use.
void set_threads(int threads);
// How many there are.
size_t thread_count();

}  // namespace koi::tensor
