// The product of a matrix with one or several vectors in each format of weights, by each
// instruction set: a matrix that is far larger than the caches, and one that stays in them. And the
// product of a panel, by one thread.
#include <benchmark/benchmark.h>

#include "koi/base/parallel.h"
#include "koi/kernels/kernels.h"
#include "koi/kernels/team.h"

namespace koi::bench {
namespace {

constexpr int64_t kColumns = 1024;

kernels::Instructions instructions_of(int64_t place) {
  return kernels::usable_instructions().at(static_cast<size_t>(place));
}

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
  const auto instructions = instructions_of(state.range(3));
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

void multiply_panel(benchmark::State& state) {
  constexpr int64_t kRows = 48, kChannels = 256;  // as multiply_many() asks for
  const std::vector<float> rows(static_cast<size_t>(kRows * kColumns), 1);
  const std::vector<float> panel(static_cast<size_t>(kChannels * kernels::kPanel), 1);
  std::vector<float> y(static_cast<size_t>(kRows * kernels::kPanel));
  const auto instructions = instructions_of(state.range(0));
  for (auto _ : state) {
    kernels::kernels_for(instructions)
        .multiply_panel({.input = rows.data(),
                         .row_step = kColumns,
                         .channels = kChannels,
                         .weights = panel.data(),
                         .output = y.data(),
                         .output_step = kernels::kPanel,
                         .rows = kRows});
    benchmark::ClobberMemory();
  }
  state.counters["GFLOP/s"] = benchmark::Counter(2e-9 * kRows * kChannels * kernels::kPanel,
                                                 benchmark::Counter::kIsIterationInvariantRate);
  state.SetLabel(std::string(name_of(instructions)));
}

std::vector<int64_t> all_instructions() {
  return benchmark::CreateDenseRange(0, std::ssize(kernels::usable_instructions()) - 1, 1);
}

const int kRegistered = [] {
  const std::vector<int64_t> formats{0, 1, 2, 3}, vectors{1, 4, 8}, rows{4096, 131072};
  benchmark::RegisterBenchmark("multiply", multiply)
      ->ArgsProduct({formats, vectors, rows, all_instructions()})
      ->UseRealTime();
  benchmark::RegisterBenchmark("multiply_panel", multiply_panel)->ArgsProduct({all_instructions()});
  return 0;
}();

}  // namespace
}  // namespace koi::bench
