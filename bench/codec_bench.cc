// The codec at its published size (random weights) on four seconds of audio.
#include <benchmark/benchmark.h>

#include "koi/codec/firefly.h"
#include "koi/codec/init.h"
#include "koi/tensor/device.h"

namespace koi::bench {
namespace {

constexpr int64_t kColumns = 86;
constexpr int64_t kSamples = kColumns * 2048;
constexpr double kSeconds = static_cast<double>(kSamples) / 44100;

codec::Firefly& full_size() {
  static codec::Firefly model = [] {
    codec::Firefly made{codec::FireflyConfig{}};
    codec::randomize(made, 1);
    made.row_decoder();  // packs the weights, which is none of the benchmarks' business
    return made;
  }();
  return model;
}

void report(benchmark::State& state) {
  state.counters["s/audio s"] = benchmark::Counter(
      kSeconds, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void encode(benchmark::State& state) {
  tensor::set_threads(static_cast<int>(state.range(0)));
  const at::Tensor wave = at::rand({1, 1, kSamples}) - 0.5;
  for (auto _ : state) benchmark::DoNotOptimize(full_size().encode(wave, {kSamples}));
  report(state);
}
BENCHMARK(encode)->Arg(1)->Arg(0)->UseRealTime()->Unit(benchmark::kMillisecond);

void decode(benchmark::State& state) {
  tensor::set_threads(static_cast<int>(state.range(0)));
  const at::Tensor codes = at::randint(0, 1000, {1, 8, kColumns}, at::kLong);
  for (auto _ : state) benchmark::DoNotOptimize(full_size().decode(codes, {kColumns}));
  report(state);
}
BENCHMARK(decode)->Arg(1)->Arg(0)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace koi::bench
