// The language model at its published size (random weights, fp32): one frame of speech, and a
// prompt.
#include <benchmark/benchmark.h>

#include "koi/lm/checkpoint.h"
#include "koi/tensor/device.h"

namespace koi::bench {
namespace {

constexpr int64_t kSemanticToken = 5;

lm::ModelConfig published() {
  lm::ModelConfig config;
  config.n_layer = 24;
  config.n_head = 16;
  config.n_local_heads = 2;
  config.dim = 1024;
  config.intermediate_size = 4096;
  config.codebook_size = 1024;
  config.num_codebooks = 8;
  config.max_seq_len = 4096;
  config.rope_base = 1e6;
  config.norm_eps = 1e-6;
  config.tie_word_embeddings = false;
  return config;
}

const lm::DualAr& full_size() {
  static const lm::DualAr model = [] {
    lm::DualAr made(published(), kSemanticToken);
    lm::initialize(made, 1);
    return made;
  }();
  return model;
}

at::Tensor frame_column() {
  at::Tensor column = at::ones({1, 1 + published().num_codebooks, 1}, at::kLong);
  column.select(1, 0).fill_(kSemanticToken);
  return column;
}

// A slow step and K fast steps, at a cache of 200 columns.
void frame(benchmark::State& state) {
  tensor::set_threads(static_cast<int>(state.range(0)));
  const lm::DualAr& model = full_size();
  lm::KvCache slow = model.make_slow_cache(1, 1024);
  lm::KvCache fast = model.make_fast_cache(1);
  model.forward_slow(frame_column().repeat({1, 1, 200}), slow);
  const at::Tensor code = at::ones({1}, at::kLong);
  for (auto _ : state) {
    slow.filled = 200;
    fast.filled = 0;
    at::Tensor x = model.project_hidden(model.forward_slow(frame_column(), slow).hidden);
    for (int64_t k = 0; k < model.config().num_codebooks; ++k) {
      benchmark::DoNotOptimize(model.forward_fast(x, fast));
      x = model.embed_code(code);
    }
  }
}
BENCHMARK(frame)->Arg(1)->Arg(0)->UseRealTime()->Unit(benchmark::kMillisecond);

void prefill_64(benchmark::State& state) {
  tensor::set_threads(static_cast<int>(state.range(0)));
  const lm::DualAr& model = full_size();
  lm::KvCache slow = model.make_slow_cache(1, 1024);
  const at::Tensor prompt = frame_column().repeat({1, 1, 64});
  for (auto _ : state) {
    slow.filled = 0;
    benchmark::DoNotOptimize(model.forward_slow(prompt, slow));
  }
}
BENCHMARK(prefill_64)->Arg(1)->Arg(0)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace koi::bench
