#include "cli/bench_figures.h"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <functional>

#include "koi/base/interrupt.h"
#include "koi/base/process_memory.h"
#include "koi/codec/flops.h"
#include "koi/kernels/read_speed.h"
#include "koi/lm/adapters.h"
#include "koi/lm/checkpoint.h"
#include "koi/lm/cpu_runner.h"
#include "koi/lm/int8_base.h"
#include "koi/speech/engine.h"
#include "koi/tensor/block_cache.h"
#include "koi/tensor/device.h"
#include "koi/tensor/gemm_peak.h"
#include "koi/tensor/random.h"
#include "koi/tensor/transfer.h"
#include "koi/train/step_flops.h"
#include "koi/train/trainer.h"

namespace koi::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Figure with_flops(Figure figure, double flops, const Limits& limits) {
  figure.flops = flops;
  figure.share = flops / figure.median_s / limits.gemm_flops_per_s;
  figure.limit = "sgemm";
  return figure;
}

double bytes_of(const kernels::Matrix& matrix) {
  return static_cast<double>(matrix.rows) * static_cast<double>(matrix.row_bytes());
}

// Weights of the blocks of one part; of the heads the caller knows what is read.
double bytes_of(const lm::CpuPart& part) {
  double bytes = 0;
  for (const lm::CpuBlock& block : part.blocks) {
    for (const auto* linear : {&block.wqkv, &block.wo, &block.w1, &block.w2, &block.w3})
      bytes += bytes_of(linear->weight);
  }
  return bytes;
}

// What a frame reads, whatever is left in caches.
double frame_bytes(const lm::CpuWeights& weights) {
  return bytes_of(weights.slow) +
         static_cast<double>(weights.config.num_codebooks) *
             (bytes_of(weights.fast) + bytes_of(weights.fast.output.weight));
}

double prompt_flops(const lm::CpuWeights& weights, int64_t columns) {
  double parameters = 0;
  for (const lm::CpuBlock& block : weights.slow.blocks) {
    for (const auto* linear : {&block.wqkv, &block.wo, &block.w1, &block.w2, &block.w3})
      parameters += static_cast<double>(linear->weight.rows * linear->weight.columns);
  }
  return 2 * parameters * static_cast<double>(columns);
}

// Frames of the token <|semantic|> with codes 1.
std::vector<int32_t> frames_of(const lm::CpuWeights& weights, int64_t count) {
  std::vector<int32_t> columns;
  for (int64_t i = 0; i < count; ++i) {
    columns.push_back(static_cast<int32_t>(weights.semantic_token_id));
    columns.insert(columns.end(), static_cast<size_t>(weights.config.num_codebooks), 1);
  }
  return columns;
}

// Sequences behind 200 columns each, which step together.
class Frames {
 public:
  Frames(const lm::CpuWeights& weights, int64_t sequences, int64_t seen)
      : seen_(std::min(seen, weights.config.max_seq_len - 1)),
        weights_(weights),
        runner_(weights, tensor::thread_count(), kernels::usable_instructions().front()),
        columns_(frames_of(weights, sequences)),
        codes_(static_cast<size_t>(sequences), 1),
        ids_{weights.semantic_token_id, 0} {
    slow_.assign(codes_.size(), lm::CpuCache(weights.slow, seen_ + 1));
    fast_.assign(codes_.size(), lm::CpuCache(weights.fast, weights.config.num_codebooks));
    for (lm::CpuCache& cache : slow_) slow_caches_.push_back(&cache);
    for (lm::CpuCache& cache : fast_) fast_caches_.push_back(&cache);
  }

  // The slow part alone.
  std::vector<float> slow_step() {
    for (lm::CpuCache& cache : slow_) cache.filled = seen_;
    return runner_.step(columns_, slow_caches_);
  }

  void step() {
    const std::vector<float> hidden = slow_step();
    for (lm::CpuCache& cache : fast_) cache.filled = 0;
    runner_.token_logits(hidden, ids_);
    std::vector<float> x = runner_.project_hidden(hidden);
    for (int64_t k = 0; k < weights_.config.num_codebooks; ++k) {
      runner_.code_logits(x, fast_caches_);
      x = runner_.embed_codes(codes_);
    }
  }

 private:
  int64_t seen_;  // columns before
  const lm::CpuWeights& weights_;
  lm::CpuRunner runner_;
  std::vector<int32_t> columns_, codes_;
  std::vector<int64_t> ids_;
  std::vector<lm::CpuCache> slow_, fast_;
  std::vector<lm::CpuCache*> slow_caches_, fast_caches_;
};

}  // namespace

Figure timed(Figure figure, const BenchTime& time, const std::function<void()>& work) {
  work();
  std::vector<double> took;
  const auto start = Clock::now();
  const std::clock_t cpu_start = std::clock();
  while (took.size() < time.repetitions || seconds_since(start) < time.least_s) {
    if (base::stop_requested())
      throw base::Interrupted("bench", "was stopped", "the same command begins anew");
    const auto from = Clock::now();
    work();
    took.push_back(seconds_since(from));
  }
  figure.cpu_s = static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC /
                 static_cast<double>(took.size());
  std::nth_element(took.begin(), took.begin() + std::ssize(took) / 2, took.end());
  figure.median_s = took[took.size() / 2];
  figure.repetitions = took.size();
  return figure;
}

Limits measure_limits() {
  kernels::Team team(tensor::thread_count());
  return {.read_bytes_per_s = kernels::measure_read_speed(team),
          .gemm_flops_per_s = tensor::measure_gemm_peak(at::kFloat, at::kCPU)};
}

Figure bench_encode(const codec::Firefly& codec, const Limits& limits, const BenchTime& time) {
  constexpr int64_t kSeconds = 10;
  const c10::InferenceMode no_gradients;
  const int64_t samples = kSeconds * codec.config().spec_transform.sample_rate;
  const at::Tensor wave = (at::rand({1, 1, samples}) - 0.5).to(codec.device());
  Figure figure = timed({.work = "encode", .amount = kSeconds, .unit = "audio s"}, time, [&] {
    codec.encode(wave, {samples});
    tensor::wait_for(codec.device());
  });
  const double flops =
      codec::encode_flops(codec.config()) * static_cast<double>(codec.columns(samples));
  return with_flops(std::move(figure), flops, limits);
}

Figure bench_decode(const codec::Firefly& codec, const Limits& limits, const BenchTime& time) {
  constexpr double kSeconds = 5;
  const c10::InferenceMode no_gradients;
  const auto rate = static_cast<double>(codec.config().spec_transform.sample_rate);
  const auto columns = static_cast<int64_t>(
      kSeconds * rate / static_cast<double>(codec.config().samples_per_column()));
  const double seconds = static_cast<double>(columns * codec.config().samples_per_column()) / rate;
  const at::Tensor codes = at::ones({1, codec.config().codebooks(), columns}, at::kLong);
  const at::Tensor input = codes.to(codec.device());
  Figure figure = timed({.work = "decode", .amount = seconds, .unit = "audio s"}, time, [&] {
    codec.decode(input, {columns});
    tensor::wait_for(codec.device());
  });
  const double flops = codec::decode_flops(codec.config()) * static_cast<double>(columns);
  return with_flops(std::move(figure), flops, limits);
}

std::vector<Figure> bench_generate(const lm::CpuWeights& weights, const std::string& name,
                                   const Limits& limits, const BenchTime& time) {
  constexpr int64_t kPrompt = 64;
  lm::CpuRunner runner(weights, tensor::thread_count(), kernels::usable_instructions().front());
  lm::CpuCache cache(weights.slow, kPrompt);
  const std::vector<int32_t> prompt = frames_of(weights, kPrompt);
  Figure prefill =
      timed({.work = "prompt of 64, " + name, .amount = kPrompt, .unit = "tokens"}, time, [&] {
        cache.filled = 0;
        runner.append(prompt, cache);
      });
  prefill.share = prompt_flops(weights, kPrompt) / prefill.median_s / limits.gemm_flops_per_s;
  prefill.limit = "sgemm";
  Frames frames(weights, 1, time.context);
  Figure slow = timed({.work = "slow part of a frame, " + name, .amount = 1, .unit = "frames"},
                      time, [&] { frames.slow_step(); });
  slow.share = bytes_of(weights.slow) / slow.median_s / limits.read_bytes_per_s;
  slow.limit = "memory";
  Figure frame = bench_batch(weights, name, 1, limits, time);
  return {std::move(prefill), std::move(slow), std::move(frame)};
}

Figure bench_batch(const lm::CpuWeights& weights, const std::string& name, int64_t sequences,
                   const Limits& limits, const BenchTime& time) {
  Frames frames(weights, sequences, time.context);
  const std::string several = sequences == 1 ? "" : " of " + std::to_string(sequences) + " voices";
  Figure figure = timed({.work = "frame" + several + ", " + name,
                         .amount = static_cast<double>(sequences),
                         .unit = "frames"},
                        time, [&] { frames.step(); });
  figure.share = frame_bytes(weights) / figure.median_s / limits.read_bytes_per_s;
  figure.limit = "memory";
  return figure;
}

Figure bench_train(const TrainBench& bench, const Limits& limits, const BenchTime& time) {
  tensor::keep_large_blocks();
  ::malloc_trim(0);
  base::forget_peak_memory();
  const at::ScalarType dtype = bench.device.is_cpu() ? at::kFloat : at::kBFloat16;
  lm::DualAr model = lm::load_model(bench.checkpoint, {.dtype = dtype, .device = bench.device});
  lm::add_lora(model, {}, 1);
  train::choose_trained(model, train::TrainedPart::adapters);
  if (bench.base == train::BaseWeights::int8) lm::quantize_base(model);
  train::Trainer trainer(model, {}, {}, {.accumulate_batches = 1},
                         tensor::make_generator(1, bench.device));
  const int64_t tokens = std::min(bench.tokens, model.config().max_seq_len);
  train::Batch batch{
      .tokens = at::ones({bench.rows, 1 + model.config().num_codebooks, tokens}, at::kLong),
      .labels = at::ones({bench.rows, 1 + model.config().num_codebooks, tokens}, at::kLong),
      .padding = {}};
  batch.tokens.select(1, 0).fill_(model.semantic_token_id());
  const double flops = train::count_flops(model, batch, false).needed();
  Figure figure = timed({.work = fmt::format("training step, {} x {}", bench.rows, tokens),
                         .amount = static_cast<double>(bench.rows * tokens),
                         .unit = "tokens"},
                        time, [&] {
                          trainer.add_batch(batch);
                          trainer.update();
                          tensor::wait_for(bench.device);
                        });
  figure.share = flops / figure.median_s / limits.gemm_flops_per_s;
  figure.limit = "sgemm";
  figure.peak_bytes = base::process_memory().peak_bytes;
  if (bench.device.is_cpu()) return figure;
  figure.share = flops / figure.median_s / tensor::measure_gemm_peak(dtype, bench.device);
  figure.limit = "bf16 products";
  figure.peak_bytes = tensor::peak_device_bytes(bench.device);
  return figure;
}

Figure bench_load(const base::fs::path& checkpoint, const BenchTime& time) {
  return timed({.work = "load", .amount = 1, .unit = "loads"}, time, [&] {
    const speech::Engine engine =
        speech::Engine::load({.checkpoint = checkpoint, .codec = {}}, {.shapes_only = true});
    lm::load_cpu_weights(checkpoint, engine.model().model, {}, tensor::thread_count());
  });
}

}  // namespace koi::cli
