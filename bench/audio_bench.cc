// Seconds of work for ten seconds of audio: mono mix aside, all that stands before the codec.
#include <benchmark/benchmark.h>

#include <cmath>

#include "koi/audio/mel.h"
#include "koi/audio/resample.h"
#include "koi/tensor/device.h"

namespace koi::bench {
namespace {

constexpr int kSeconds = 10;

void resample_to_44100(benchmark::State& state) {
  const int from_hz = static_cast<int>(state.range(0));
  std::vector<float> wave(static_cast<size_t>(from_hz * kSeconds));
  for (size_t i = 0; i < wave.size(); ++i) wave[i] = std::sin(0.01F * static_cast<float>(i));
  for (auto _ : state) benchmark::DoNotOptimize(audio::resample(wave, from_hz, 44100));
  state.counters["s/audio s"] = benchmark::Counter(
      kSeconds, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(resample_to_44100)->Arg(16000)->Arg(22050)->Arg(48000)->Unit(benchmark::kMillisecond);

void log_mel(benchmark::State& state) {
  tensor::set_threads(1);
  const audio::LogMel mel;
  const at::Tensor wave = at::rand({1, 44100 * kSeconds}) - 0.5;
  for (auto _ : state) benchmark::DoNotOptimize(mel.forward(wave));
  state.counters["s/audio s"] = benchmark::Counter(
      kSeconds, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(log_mel)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace koi::bench
