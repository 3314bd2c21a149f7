// The product of a matrix with one or several vectors in each format of weights: a matrix that is
// far larger than the caches, and one that stays in them.
#include <benchmark/benchmark.h>

#include "koi/base/parallel.h"
#include "koi/kernels/kernels.h"
#include "koi/kernels/team.h"

namespace koi::bench {
namespace {

constexpr int64_t kColumns = 1024;

void multiply(benchmark::State& state) {
  const auto format = static_cast<kernels::Format>(state.range(0));
  const int64_t vectors = state.range(1), rows = state.range(2);
  std::vector<float> weights(static_cast<size_t>(rows * kColumns));
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i % 251) - 125;
  kernels::Arena arena;
  const kernels::Matrix matrix = kernels::make_matrix(
      {.format = kernels::Format::f32, .rows = rows, .columns = kColumns, .values = weights.data()},
      format, arena, base::usable_cores());
  const std::vector<float> x(static_cast<size_t>(vectors * kColumns), 1);
  std::vector<float> y(static_cast<size_t>(vectors * rows));
  kernels::Inputs inputs;
  inputs.assign(x.data(), vectors, kColumns, format);
  const auto instructions = kernels::usable_instructions().front();
  kernels::Team team(base::usable_cores());
  for (auto _ : state) {
    team.share(rows, 64, [&](int64_t first, int64_t last) {
      kernels::kernels_for(instructions).multiply(matrix, first, last, inputs, y.data());
    });
  }
  const auto bytes = static_cast<double>(rows * matrix.row_bytes());
  state.counters["GB/s"] =
      benchmark::Counter(1e-9 * bytes, benchmark::Counter::kIsIterationInvariantRate);
  state.SetLabel(std::string(name_of(format)) + ", " + std::string(name_of(instructions)));
}
BENCHMARK(multiply)->ArgsProduct({{0, 1, 2, 3}, {1, 4, 8}, {4096, 131072}})->UseRealTime();

}  // namespace
}  // namespace koi::bench
