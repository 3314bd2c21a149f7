// What koi bench measures with --device cuda.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/bench_figures.h"
#include "koi/tensor/torch.h"

namespace koi::cli {

// Bytes read and written by copies inside of the device's memory, and float32 products.
Limits measure_limits(at::Device device);

struct GpuBench {
  at::Device device = at::kCUDA;
  base::fs::path checkpoint;
  std::vector<int64_t> together;  // sequences at once, beside one
  BenchTime time;
  std::function<bool(const std::string& part)> wants;  // load, encode, decode, generate, say
};

// The parts that are wanted, one figure after the other. Each repetition ends with the device's
// work. Weights of the language model are bfloat16, of the codec float32.
void bench_gpu(const GpuBench& bench, const Limits& limits,
               const std::function<void(const Figure&)>& on_figure);

}  // namespace koi::cli
