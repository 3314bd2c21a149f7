// The machine's limits, measured in the same run as all else: bare sgemm and a stream of reads.
#include <benchmark/benchmark.h>

#include "koi/tensor/device.h"

namespace koi::bench {
namespace {

void sgemm(benchmark::State& state) {
  tensor::set_threads(static_cast<int>(state.range(0)));
  const int64_t n = 1024;
  const at::Tensor a = at::rand({n, n});
  const at::Tensor b = at::rand({n, n});
  at::Tensor c = at::empty({n, n});
  for (auto _ : state) at::mm_out(c, a, b);
  state.counters["GFLOP/s"] = benchmark::Counter(2e-9 * static_cast<double>(n * n * n),
                                                 benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(sgemm)->Arg(1)->Arg(0)->UseRealTime();

void stream_read(benchmark::State& state) {
  tensor::set_threads(static_cast<int>(state.range(0)));
  const at::Tensor values = at::ones({100'000'000});  // 400 MB, far beyond any cache
  for (auto _ : state) benchmark::DoNotOptimize(values.sum().item<float>());
  state.counters["GB/s"] = benchmark::Counter(1e-9 * static_cast<double>(values.nbytes()),
                                              benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(stream_read)->Arg(1)->Arg(0)->UseRealTime();

}  // namespace
}  // namespace koi::bench
