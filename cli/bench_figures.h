// What koi bench measures: each figure beside the limit of the machine that it is bound by.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "koi/base/files.h"
#include "koi/codec/firefly.h"
#include "koi/lm/cpu_weights.h"
#include "koi/train/settings.h"

namespace koi::cli {

// Measured in the same run as everything else, with the same threads.
struct Limits {
  double read_bytes_per_s = 0;
  double gemm_flops_per_s = 0;  // float32
};
Limits measure_limits();

struct Figure {
  std::string work;                            // "frame, int8+int4"
  double median_s = 0;                         // of one repetition
  double cpu_s = 0;                            // of all threads, the repetitions' mean
  size_t repetitions = 0;                      // that were timed, behind one that was not
  double amount = 0;                           // of `unit` in a repetition
  std::string unit;                            // "audio s", "frames", "tokens"
  std::optional<double> flops = std::nullopt;  // of a repetition, where they are counted
  std::optional<double> share = std::nullopt;  // of `limit`
  std::string limit = {};                      // "memory", "sgemm"
  int64_t peak_bytes = 0;                      // of the process, or on the GPU; 0: not looked at

  double rate() const { return amount / median_s; }  // units a second
};

struct BenchTime {
  double least_s = 3;      // repetitions go on for so long
  size_t repetitions = 5;  // at least
  int64_t context = 200;   // columns that frames stand behind
};

// `figure` with the median, CPU time and number of the repetitions of `work`. Throws
// base::Interrupted when base::stop_requested().
Figure timed(Figure figure, const BenchTime& time, const std::function<void()>& work);

// Ten seconds of noise to codes, and five seconds of codes to audio.
Figure bench_encode(const codec::Firefly& codec, const Limits& limits, const BenchTime& time);
Figure bench_decode(const codec::Firefly& codec, const Limits& limits, const BenchTime& time);

// A prompt of 64 columns and, behind time.context columns, the slow step of a frame and all of one
// (the codebooks too), by the CPU's kernels; `name` is that of the formats.
std::vector<Figure> bench_generate(const lm::CpuWeights& weights, const std::string& name,
                                   const Limits& limits, const BenchTime& time);
// `sequences` frames at once.
Figure bench_batch(const lm::CpuWeights& weights, const std::string& name, int64_t sequences,
                   const Limits& limits, const BenchTime& time);

// Steps of LoRA training (r 8 on everything) without recomputation, on rows of frames.
struct TrainBench {
  base::fs::path checkpoint;
  int64_t rows = 1, tokens = 512;  // as many of these as the model has positions
  train::BaseWeights base = train::BaseWeights::full;
  at::Device device = at::kCPU;  // in float32 there, in bfloat16 on a GPU
};
// Loads the checkpoint and takes memory as koi train does, so that its peak is that of a run.
Figure bench_train(const TrainBench& bench, const Limits& limits, const BenchTime& time);

// The checkpoint folder until it can speak: tokenizer, weights, codec.
Figure bench_load(const base::fs::path& checkpoint, const BenchTime& time);

}  // namespace koi::cli
