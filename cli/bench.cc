// koi bench: how fast this machine is at each part of the work, and how near to its limits.
#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/bench_accuracy.h"
#include "cli/bench_figures.h"
#include "cli/bench_gpu.h"
#include "cli/bench_say.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/weights_flag.h"
#include "koi/base/error.h"
#include "koi/base/process_memory.h"
#include "koi/base/version.h"
#include "koi/checkpoint/codec_file.h"
#include "koi/checkpoint/weights_file.h"
#include "koi/kernels/instructions.h"
#include "koi/lm/checkpoint.h"
#include "koi/tensor/device.h"

namespace koi::cli {
namespace {

struct Flags {
  std::vector<std::string> what;
  std::string checkpoint = "checkpoints/fish-speech-1.4";
  std::vector<std::string> weights;  // none: all that the checkpoint can have
  std::vector<int64_t> together{4};
  BenchTime time;
  TrainBench train;
  std::string base_weights = "full";
  std::vector<std::string> data;
  int64_t frames = 1000;
  std::string device = "cpu";
  int threads = 0;
  bool accuracy = false;
  bool json = false;

  bool wants(const std::string& part) const {
    return std::find(what.begin(), what.end(), part) != what.end() ||
           std::find(what.begin(), what.end(), "all") != what.end();
  }
};

std::string processor() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name"))
      return line.substr(std::min(line.find(':') + 2, line.size()));
  }
  utsname name{};
  return ::uname(&name) == 0 ? name.machine : "unknown";
}

using OnFigure = std::function<void(const Figure&)>;

void bench_codec(const Flags& flags, const Limits& limits, const OnFigure& on_figure) {
  const base::fs::path path = checkpoint::find_codec(flags.checkpoint);
  const codec::Firefly codec =
      codec::load_firefly(path, codec::config_for(path, codec::kConfigName), {.dtype = at::kFloat});
  if (flags.wants("encode")) on_figure(bench_encode(codec, limits, flags.time));
  if (flags.wants("decode")) on_figure(bench_decode(codec, limits, flags.time));
}

// Of the language model on a CPU.
std::vector<std::string> formats_of(const Flags& flags) {
  if (!flags.weights.empty()) return flags.weights;
  const checkpoint::WeightsFile file = lm::read_weights(flags.checkpoint);
  if (checkpoint::is_quantised(file.tensors)) return {name_of(lm::formats_of(file))};
  return {"fp32", "bf16", "int8", "int8+int4", "int4"};
}

lm::CpuWeights load_weights(const Flags& flags, const lm::DualAr& model, const std::string& name) {
  return lm::load_cpu_weights(flags.checkpoint, model, parse_formats(name), tensor::thread_count());
}

void bench_voice(const Flags& flags, const Limits& limits, const OnFigure& on_figure) {
  const lm::DualAr model = lm::load_model(flags.checkpoint, {.shapes_only = true});
  for (const std::string& name : formats_of(flags)) {
    const lm::CpuWeights weights = load_weights(flags, model, name);
    for (const Figure& figure : bench_generate(weights, name, limits, flags.time))
      on_figure(figure);
    for (const int64_t together : flags.together)
      on_figure(bench_batch(weights, name, together, limits, flags.time));
  }
}

void bench_speech(const Flags& flags, const OnFigure& on_figure) {
  speech::Engine engine =
      speech::Engine::load({.checkpoint = flags.checkpoint, .codec = {}}, {.shapes_only = true});
  for (const std::string& name : formats_of(flags)) {
    engine.model().cpu =
        std::make_shared<lm::CpuWeights>(load_weights(flags, engine.model().model, name));
    std::vector<int64_t> counts{1};
    counts.insert(counts.end(), flags.together.begin(), flags.together.end());
    for (const int64_t count : counts)
      for (const Figure& figure : bench_say(engine, name, count, flags.time)) on_figure(figure);
  }
}

TrainBench train_bench(const Flags& flags, at::Device device) {
  TrainBench train = flags.train;
  train.checkpoint = flags.checkpoint;
  train.device = device;
  if (flags.base_weights == "int8") train.base = train::BaseWeights::int8;
  return train;
}

void bench_cpu(const Flags& flags, const Limits& limits, const OnFigure& on_figure) {
  if (flags.wants("load")) on_figure(bench_load(flags.checkpoint, flags.time));
  if (flags.wants("encode") || flags.wants("decode")) bench_codec(flags, limits, on_figure);
  if (flags.wants("generate")) bench_voice(flags, limits, on_figure);
  if (flags.wants("say")) bench_speech(flags, on_figure);
}

// Every format against fp32.
void bench_accuracy(const Flags& flags,
                    const std::function<void(const std::string&, const Accuracy&)>& on_result) {
  const lm::DualAr model = lm::load_model(flags.checkpoint, {.shapes_only = true});
  const lm::CpuWeights exact = load_weights(flags, model, "fp32");
  const auto sentences = read_sentences(flags.data, text::Tokenizer::load(flags.checkpoint),
                                        flags.frames, model.config());
  for (const std::string& name : formats_of(flags))
    on_result(name, compare_weights(exact, load_weights(flags, model, name), sentences));
}

void print_accuracy(const std::string& name, const Accuracy& accuracy) {
  const auto part = [](const char* what, const Difference& difference) {
    return fmt::format("{} {:.3g} nats, {:.2f} % the same best", what, difference.divergence,
                       100 * difference.agreement);
  };
  std::printf("%-10s %s; %s (%d frames)%s\n", name.c_str(), part("tokens", accuracy.tokens).c_str(),
              part("codes", accuracy.codes).c_str(), static_cast<int>(accuracy.tokens.count),
              accuracy.is_close() ? "  near fp32" : "");
}

nlohmann::ordered_json to_json(const std::string& name, const Accuracy& accuracy) {
  const auto part = [](const Difference& difference) {
    return nlohmann::ordered_json{{"kl_nats", difference.divergence},
                                  {"same_best", difference.agreement},
                                  {"count", difference.count}};
  };
  return {{"weights", name},
          {"tokens", part(accuracy.tokens)},
          {"codes", part(accuracy.codes)},
          {"near_fp32", accuracy.is_close()}};
}

// A figure as a line of text: 29.8 ms, 33.6 frames/s, 0.0591 CPU s each, 88 % of memory.
void print_figure(const Figure& figure) {
  std::string line = fmt::format("{:<34} {:>10.2f} ms {:>12.2f} {}/s", figure.work,
                                 1e3 * figure.median_s, figure.rate(), figure.unit);
  line += fmt::format("  {:.3g} CPU s each", figure.cpu_s / figure.amount);
  if (figure.flops) line += fmt::format("  {:.0f} GFLOP/s", 1e-9 * *figure.flops / figure.median_s);
  if (figure.share) line += fmt::format("  {:.0f} % of {}", 100 * *figure.share, figure.limit);
  if (figure.peak_bytes > 0)
    line += fmt::format("  {:.2f} GiB", static_cast<double>(figure.peak_bytes) / (1 << 30));
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

nlohmann::ordered_json to_json(const Figure& figure) {
  nlohmann::ordered_json object = {
      {"work", figure.work},     {"median_s", figure.median_s}, {"repetitions", figure.repetitions},
      {"amount", figure.amount}, {"unit", figure.unit},         {"per_second", figure.rate()}};
  object["cpu_s"] = figure.cpu_s;
  if (figure.flops) object["flops"] = *figure.flops;
  if (figure.share) {
    object["limit"] = figure.limit;
    object["share"] = *figure.share;
  }
  if (figure.peak_bytes > 0) object["peak_memory_bytes"] = figure.peak_bytes;
  return object;
}

void check(const Flags& flags) {
  for (const std::string& name : flags.weights) parse_formats(name);
  if (flags.what.empty() && !flags.accuracy)
    throw Error(ErrorKind::usage, "WHAT", "is missing", "say what to measure: koi bench all");
  if (flags.accuracy && flags.data.empty())
    throw Error(ErrorKind::usage, "--data", "is missing",
                "--accuracy needs the shards of real sentences (koi build-dataset)");
}

int run(const Flags& flags) {
  check(flags);
  if (flags.wants("train"))
    checkpoint::require_full_weights(checkpoint::load_weights(flags.checkpoint));
  tensor::set_threads(flags.threads);
  const at::Device device = tensor::choose_device(flags.device);
  const Limits limits = device.is_cpu() ? measure_limits() : measure_limits(device);
  const auto instructions = std::string(name_of(kernels::usable_instructions().front()));
  if (!flags.json) {
    std::printf(
        "%s, %d threads, kernels for %s; limits of %s: memory %.1f GB/s, sgemm %.1f "
        "GFLOP/s\n",
        processor().c_str(), static_cast<int>(tensor::thread_count()), instructions.c_str(),
        device.str().c_str(), 1e-9 * limits.read_bytes_per_s, 1e-9 * limits.gemm_flops_per_s);
  }
  nlohmann::ordered_json figures = nlohmann::ordered_json::array();
  const OnFigure on_figure = [&](const Figure& figure) {
    figures.push_back(to_json(figure));
    if (!flags.json) print_figure(figure);
  };
  if (device.is_cpu()) {
    bench_cpu(flags, limits, on_figure);
  } else {
    bench_gpu({.device = device,
               .checkpoint = flags.checkpoint,
               .together = flags.together,
               .time = flags.time,
               .wants = [&](const std::string& part) { return flags.wants(part); }},
              limits, on_figure);
  }
  const int64_t peak_before = base::process_memory().peak_bytes;
  if (flags.wants("train")) on_figure(bench_train(train_bench(flags, device), limits, flags.time));
  nlohmann::ordered_json accuracies = nlohmann::ordered_json::array();
  if (flags.accuracy) {
    bench_accuracy(flags, [&](const std::string& name, const Accuracy& accuracy) {
      accuracies.push_back(to_json(name, accuracy));
      if (!flags.json) print_accuracy(name, accuracy);
    });
  }
  const auto peak = static_cast<double>(std::max(peak_before, base::process_memory().peak_bytes));
  if (!flags.json) {
    std::printf("most memory: %.2f GiB\n", peak / (1 << 30));
    return 0;
  }
  const nlohmann::ordered_json object = {{"version", std::string(base::version())},
                                         {"processor", processor()},
                                         {"threads", tensor::thread_count()},
                                         {"instructions", instructions},
                                         {"read_bytes_per_s", limits.read_bytes_per_s},
                                         {"gemm_flops_per_s", limits.gemm_flops_per_s},
                                         {"figures", std::move(figures)},
                                         {"accuracy", std::move(accuracies)},
                                         {"peak_memory_bytes", peak}};
  std::printf("%s\n", object.dump(2).c_str());
  return 0;
}

}  // namespace

void add_bench(CLI::App& app) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* command = add_command(
      app, "bench", "How fast this machine is, and how near to its limits",
      "  koi bench all --checkpoint-path checkpoints/fish-speech-1.4\n"
      "  koi bench generate --weights int8 --weights int8+int4 --json\n"
      "  koi bench --accuracy --data data/protos --checkpoint-path results/alice/merged\n"
      "  koi bench generate train --device cuda --together 8\n"
      "Medians of repeated runs. Let nothing else run meanwhile.",
      [flags] { return run(*flags); });
  command->add_option("WHAT", flags->what, "encode, decode, generate, say, train, load or all")
      ->check(CLI::IsMember({"encode", "decode", "generate", "say", "train", "load", "all"}));
  command->add_option("--checkpoint-path", flags->checkpoint, "checkpoint folder")
      ->capture_default_str();
  command->add_option("--weights", flags->weights,
                      "formats to generate with (several); by default all, or that of a quantised "
                      "checkpoint");
  command
      ->add_option("--together", flags->together,
                   "voices that generate, and segments that say, take at once beside one (several)")
      ->capture_default_str()
      ->check(CLI::Range(2, 16));
  command
      ->add_option("--context", flags->time.context,
                   "tokens that the model has seen before a frame")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000000));
  command->add_option("--train-rows", flags->train.rows, "rows of a training step's batch")
      ->capture_default_str()
      ->check(CLI::Range(1, 4096));
  command->add_option("--train-tokens", flags->train.tokens, "positions of each of them")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000000));
  command->add_option("--base-weights", flags->base_weights, "model.base_weights of the training")
      ->capture_default_str()
      ->check(CLI::IsMember({"full", "int8"}));
  command->add_option("--seconds", flags->time.least_s, "each figure is repeated for so long")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 3600.0));
  command->add_option("--repetitions", flags->time.repetitions, "at least")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000000));
  command->add_flag("--accuracy", flags->accuracy,
                    "how far each format's distributions differ from those of fp32, on --data");
  command->add_option("--data", flags->data, "shards, or folders of shards, of real sentences");
  command->add_option("--frames", flags->frames, "of --data that are looked at")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000000));
  command->add_option("--device", flags->device, "cpu, or cuda or cuda:N: weights are bf16 there")
      ->capture_default_str();
  command->add_option("--threads", flags->threads, "0: all cores this process may use")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
  command->add_flag("--json", flags->json, "print the figures as JSON");
}

}  // namespace koi::cli
