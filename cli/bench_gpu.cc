#include "cli/bench_gpu.h"

#include <algorithm>
#include <numeric>

#include "cli/bench_say.h"
#include "koi/checkpoint/codec_file.h"
#include "koi/lm/checkpoint.h"
#include "koi/speech/device_frames.h"
#include "koi/tensor/device.h"
#include "koi/tensor/gemm_peak.h"
#include "koi/tensor/transfer.h"

namespace koi::cli {
namespace {

constexpr char kName[] = "bf16";

// Weights that a frame reads: the slow part once, the fast one for each codebook, no tables.
double frame_bytes(lm::DualAr model) {
  double slow = 0, fast = 0;
  model.visit([&](const std::string& name, const at::Tensor& value) {
    if (name.find("embeddings") != std::string::npos) return;
    (name.starts_with("fast_") ? fast : slow) += static_cast<double>(value.nbytes());
  });
  if (!model.output.weight.defined()) slow += static_cast<double>(model.embeddings.weight.nbytes());
  return slow + fast * static_cast<double>(model.config().num_codebooks);
}

speech::TokenColumns frames_of(const lm::DualAr& model, int64_t count) {
  speech::TokenColumns columns{model.config().num_codebooks + 1, {}, false};
  for (int64_t i = 0; i < count; ++i) {
    columns.values.push_back(static_cast<int32_t>(model.semantic_token_id()));
    columns.values.insert(columns.values.end(), static_cast<size_t>(model.config().num_codebooks),
                          1);
  }
  return columns;
}

// Sequences that are spoken in step by DeviceFrames, behind time.context columns each.
Figure bench_device_frames(const speech::SpeechModel& model, int64_t sequences,
                           const Limits& limits, const BenchTime& time) {
  constexpr int64_t kFrames = 40;
  std::vector<speech::Noise> noises;
  std::vector<size_t> which(static_cast<size_t>(sequences));
  std::iota(which.begin(), which.end(), size_t{0});
  for (const size_t i : which) noises.push_back(speech::portable_noise(static_cast<uint32_t>(i)));
  speech::DeviceFrames frames(model, std::move(noises));
  const int64_t context =
      std::max<int64_t>(1, std::min(time.context, model.context_length() - kFrames));
  speech::GenerateOptions options;
  options.min_new_tokens = options.max_new_tokens = kFrames;
  if (context > 1) {
    const speech::TokenColumns beginning = frames_of(model.model, context - 1);
    for (const size_t i : which) frames.steps().append(i, beginning);
  }
  const std::string several = sequences == 1 ? "" : " of " + std::to_string(sequences) + " voices";
  Figure figure = timed({.work = "frame" + several + ", " + kName,
                         .amount = static_cast<double>(kFrames * sequences),
                         .unit = "frames"},
                        time, [&] {
                          for (const size_t i : which) {
                            frames.steps().take_over(i, i, context - 1);
                            frames.steps().append(i, frames_of(model.model, 1));
                          }
                          frames.begin(which.size(), options);
                          for (int64_t frame = 0; frame < kFrames; ++frame) frames.next(which);
                          frames.end();
                        });
  figure.share = frame_bytes(model.model) * static_cast<double>(kFrames) / figure.median_s /
                 limits.read_bytes_per_s;
  figure.limit = "memory";
  figure.peak_bytes = tensor::peak_device_bytes(model.model.device());
  return figure;
}

}  // namespace

Limits measure_limits(at::Device device) {
  constexpr int64_t kBytes = int64_t{1} << 29;
  const at::NoGradGuard no_gradients;
  const auto from = at::zeros({kBytes}, at::device(device).dtype(at::kByte));
  const auto to = at::empty_like(from);
  const Figure copy =
      timed({.work = "copy", .amount = 2.0 * kBytes, .unit = "bytes"}, {.least_s = 0.3}, [&] {
        to.copy_(from);
        tensor::wait_for(device);
      });
  return {.read_bytes_per_s = copy.rate(),
          .gemm_flops_per_s = tensor::measure_gemm_peak(at::kFloat, device)};
}

void bench_gpu(const GpuBench& bench, const Limits& limits,
               const std::function<void(const Figure&)>& on_figure) {
  const auto load = [&] {
    return speech::Engine::load({.checkpoint = bench.checkpoint, .codec = {}},
                                {.dtype = at::kBFloat16, .device = bench.device});
  };
  if (bench.wants("load")) {
    on_figure(timed({.work = "load", .amount = 1, .unit = "loads"}, bench.time, [&] {
      load();
      tensor::wait_for(bench.device);
    }));
  }
  const speech::Engine engine = load();
  if (bench.wants("encode")) on_figure(bench_encode(engine.codec(), limits, bench.time));
  if (bench.wants("decode")) on_figure(bench_decode(engine.codec(), limits, bench.time));
  std::vector<int64_t> counts{1};
  counts.insert(counts.end(), bench.together.begin(), bench.together.end());
  for (const int64_t count : counts) {
    if (bench.wants("generate"))
      on_figure(bench_device_frames(engine.model(), count, limits, bench.time));
    if (!bench.wants("say")) continue;
    for (const Figure& figure : bench_say(engine, kName, count, bench.time)) on_figure(figure);
  }
}

}  // namespace koi::cli
