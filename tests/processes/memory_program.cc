// Trains three steps of one case and says, in MiB, what was estimated and what was used:
// memory_program '{"lora": true, ...}' (see memory_test.cc). A process of its own, so that the peak
// is that of the steps.
#include <malloc.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "koi/lm/adapters.h"
#include "koi/tensor/block_cache.h"
#include "koi/tensor/memory_meter.h"
#include "koi/train/memory.h"
#include "tests/support/train_samples.h"

namespace {

using nlohmann::json;
using namespace koi;

double status_mib(const std::string& word) {
  std::ifstream file("/proc/self/status");
  std::string found;
  while (file >> found && found != word) {
  }
  double kib = 0;
  file >> kib;
  return kib / 1024;
}

lm::DualAr make_model(const json& test_case) {
  lm::ModelConfig config;
  config.vocab_size = test_case.at("vocab_size");
  config.dim = test_case.at("dim");
  config.n_layer = test_case.at("n_layer");
  config.n_head = config.dim / 64;
  config.n_local_heads = 2;
  config.intermediate_size = 2 * config.dim;
  config.codebook_size = 1024;
  config.num_codebooks = 4;
  config.n_fast_layer = 2;
  config.dropout = test_case.at("dropout");
  config.tie_word_embeddings = false;
  lm::DualAr model(config, test::kSemantic);
  lm::initialize(model, 1);
  const bool lora = test_case.at("lora");
  if (lora) lm::add_lora(model, {}, 1);
  train::choose_trained(model,
                        lora ? train::TrainedPart::adapters : train::TrainedPart::everything);
  return model;
}

train::Batch make_batch(const std::vector<int64_t>& lengths, bool packed) {
  std::vector<train::Batch> samples;
  for (const int64_t length : lengths) {
    auto generator = tensor::make_generator(static_cast<uint64_t>(length));
    train::Batch& sample = samples.emplace_back();
    sample.tokens = at::cat({at::full({1, 1, length}, test::kSemantic, at::kLong),
                             at::randint(1, 1024, {1, 4, length}, generator, at::kLong)},
                            1);
    sample.labels = sample.tokens.roll(-1, 2);
  }
  return packed ? test::packed(samples) : test::padded(samples);
}

void run(const json& test_case) {
  const lm::DualAr model = make_model(test_case);
  const train::TrainerOptions options{.recompute = test_case.at("recompute")};
  const auto lengths = test_case.at("lengths").get<std::vector<int64_t>>();
  const bool packed = test_case.at("packed");
  train::BatchShape shape{.rows = {},
                          .rows_per_batch = packed ? 1 : static_cast<int64_t>(lengths.size()),
                          .packed = packed};
  int64_t tokens = 0;
  for (const int64_t length : lengths) tokens += length;
  if (packed) {
    shape.rows = {{.samples = lengths, .frames = tokens}};
  } else {
    for (const int64_t length : lengths) shape.rows.push_back({{length}, length});
  }
  const auto estimates = train::estimate_memory(model, shape, options);
  const train::StepMemory& estimate = options.recompute ? estimates.recomputed : estimates.kept;

  const train::Batch batch = make_batch(lengths, packed);
  lm::DualAr trained = model;
  train::Trainer trainer(trained, {}, {.warmup_steps = 0}, options, tensor::make_generator(1));
  tensor::keep_large_blocks();  // those of the steps only, so that all of them are growth
  ::malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << 5;  // the peak begins anew
  const double before = status_mib("VmRSS:");
  int64_t in_use = 0;
  for (int step = 0; step < 3; ++step) {
    const tensor::MemoryMeter meter;
    trainer.add_batch(batch);
    trainer.update();
    in_use = meter.peak_bytes();
  }
  const auto mib = [](int64_t bytes) { return static_cast<double>(bytes) / (1 << 20); };
  const json result{{"estimated_in_use", mib(estimate.step)},
                    {"in_use", mib(in_use)},
                    {"estimated_growth", mib(estimate.step + estimate.optimizer)},
                    {"growth", status_mib("VmHWM:") - before},
                    {"estimated_peak", mib(estimate.total())},
                    {"peak", status_mib("VmHWM:")}};
  std::printf("%s\n", result.dump().c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  run(json::parse(argv[1]));
  return 0;
}
