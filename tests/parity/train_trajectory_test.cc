// Whole runs against the reference's Lightning runs (torch 2.15, CPU, one thread): losses, gradient
// norms and rates of every step, and the parameters afterwards. Tolerances are those of the
// goldens' README: fp32 losses and norms 1e-4 relative along a run (a second implementation: 7e-7),
// parameters 1e-5 absolute (1.2e-7 between row orders); bfloat16 3 % (a second implementation: 1.4
// % on losses, 1.9 % on norms).
#include <gtest/gtest.h>

#include "tests/parity/train_goldens.h"

namespace koi::test {
namespace {

constexpr double kFp32 = 1e-4;
constexpr double kBf16 = 3e-2;
constexpr double kParameter = 1e-5;

json lora_json() { return read_json(golden("lm/train/lora_trajectories.json")); }
json full_json() { return read_json(golden("lm/train/full_trajectories.json")); }

std::vector<train::Batch> golden_batches(int64_t count) {
  std::vector<train::Batch> batches;
  for (int64_t i = 0; i < count; ++i)
    batches.push_back(golden_batch("lm/train/batch" + std::to_string(i)));
  return batches;
}

// The number of batches on disk, where the file does not say it.
int64_t count_batches() {
  int64_t count = 0;
  while (
      std::filesystem::exists(golden("lm/train/batch" + std::to_string(count) + "_inputs.npy"))) {
    ++count;
  }
  return count;
}

struct Run {
  json rows;
  json rates;  // of every step, for each of the two groups
  int64_t accumulate = 1;
  double tolerance = kFp32;
};

// Trains along the rows; every number of every row is compared.
void follow(train::Trainer& trainer, const Run& run, const std::vector<train::Batch>& batches) {
  size_t step = 0;
  ASSERT_FALSE(run.rows.empty());
  for (size_t i = 0; i < run.rows.size(); ++i) {
    const json& row = run.rows[i];
    const std::string name = "row " + std::to_string(i) + " ";
    const auto result =
        trainer.add_batch(batches[row.at("batch_idx").get<size_t>() % batches.size()]);
    const auto check = [&](const char* key, double found) {
      expect_relative(found, row.at(key).get<double>(), run.tolerance, name + key);
    };
    check("loss", result.losses.loss);
    check("base_loss", result.losses.base_loss);
    check("semantic_loss", result.losses.semantic_loss);
    check("grad_norm", result.grad_norm);
    if (run.tolerance == kFp32) {
      EXPECT_NEAR(result.losses.top_5_accuracy, row.at("top_5_accuracy").get<double>(), 1e-7);
    }
    if ((i + 1) % static_cast<size_t>(run.accumulate) == 0) {
      const double rate = trainer.update();
      for (const json& expected : run.rates.at(step)) {
        EXPECT_NEAR(rate, expected.get<double>(), 1e-15) << name;
      }
      ++step;
    }
    EXPECT_EQ(trainer.step(), row.at("global_step_after").get<int64_t>()) << name;
  }
}

void expect_groups(const train::Trainer& trainer, const json& groups) {
  std::vector<std::vector<std::string>> found(2);
  for (const train::Parameter& parameter : trainer.optimizer().parameters())
    found[parameter.decays() ? 0 : 1].push_back("model." + parameter.name);
  ASSERT_EQ(groups.size(), found.size());
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i], groups[i].at("names").get<std::vector<std::string>>());
  }
}

lm::DualAr start_model(const json& run, const std::string& start, at::ScalarType dtype) {
  const auto values = pth_tensors(start);
  return model_with_adapters(golden_lora(run, values), values, dtype);
}

TEST(TrajectoryParity, LoraFp32) {
  KOI_REQUIRE_GOLDEN("lm/train/lora_trajectories.json");
  const json recorded = lora_json();
  const json& run = recorded.at("fp32");
  lm::DualAr model = start_model(run, "lm/train/adapter_init_nonzero.pth", at::kFloat);
  train::Trainer trainer(model, {}, {}, {}, tensor::make_generator(1));
  expect_groups(trainer, recorded.at("param_groups"));
  follow(trainer, {.rows = run.at("rows"), .rates = run.at("lr_used")},
         golden_batches(recorded.at("batches")));
}

TEST(TrajectoryParity, LoraFp32Accumulated) {
  KOI_REQUIRE_GOLDEN("lm/train/lora_trajectories.json");
  const json recorded = lora_json();
  if (!has_part(recorded, "fp32_accum2")) return;
  const json& run = recorded.at("fp32_accum2");
  lm::DualAr model =
      start_model(recorded.at("fp32"), "lm/train/adapter_init_nonzero.pth", at::kFloat);
  const auto accumulate = static_cast<int64_t>(run.at("rows").size() / run.at("lr_used").size());
  train::Trainer trainer(model, {}, {}, {.accumulate_batches = accumulate},
                         tensor::make_generator(1));
  follow(trainer, {.rows = run.at("rows"), .rates = run.at("lr_used"), .accumulate = accumulate},
         golden_batches(recorded.at("batches")));
  size_t checked = 0;
  for (const train::Parameter& parameter : train::model_parameters(model)) {
    if (!parameter.is_adapter()) continue;
    const double norm = parameter.value.to(at::kDouble).norm().item<double>();
    expect_relative(norm, run.at("final_norms").at(parameter.name).get<double>(), kFp32,
                    parameter.name);
    ++checked;
  }
  EXPECT_EQ(checked, run.at("final_norms").size());
}

TEST(TrajectoryParity, LoraBf16) {
  KOI_REQUIRE_GOLDEN("lm/train/bf16_adapter_init_nonzero.pth");
  const json recorded = lora_json();
  if (!has_part(recorded, "bf16")) return;
  const json& run = recorded.at("bf16");
  lm::DualAr model = start_model(run, "lm/train/bf16_adapter_init_nonzero.pth", at::kBFloat16);
  train::Trainer trainer(model, {}, {}, {}, tensor::make_generator(1));
  follow(trainer, {.rows = run.at("rows"), .rates = run.at("lr_used"), .tolerance = kBf16},
         golden_batches(recorded.at("batches")));
}

// The names of the runs say what differs from the defaults: "weight_decay_0.1_lr_1e-3_warmup_2".
double number_in(const std::string& name, const std::string& key, double otherwise) {
  const size_t at = name.find(key + "_");
  return at == std::string::npos ? otherwise : std::stod(name.substr(at + key.size() + 1));
}

TEST(TrajectoryParity, FullFineTuning) {
  KOI_REQUIRE_GOLDEN("lm/train/full_trajectories.json");
  const json recorded = full_json();
  const auto batches = golden_batches(count_batches());
  size_t cases = 0;
  for (const auto& [name, run] : recorded.items()) {
    if (!run.is_object() || !run.contains("rows")) continue;
    ++cases;
    SCOPED_TRACE(name);
    lm::DualAr model = golden_model(at::kFloat);
    train::choose_trained(model, train::TrainedPart::everything);
    train::AdamWOptions options;
    options.lr = number_in(name, "lr", options.lr);
    options.weight_decay = run.at("weight_decay");
    train::Schedule schedule;
    schedule.warmup_steps = number_in(name, "warmup", schedule.warmup_steps);
    train::Trainer trainer(model, options, schedule, {}, tensor::make_generator(1));
    expect_groups(trainer, run.at("param_groups"));
    follow(trainer, {.rows = run.at("rows"), .rates = run.at("lr_used")}, batches);

    const auto small = pth_tensors("lm/train/full_" + name + "_small_after" +
                                   std::to_string(trainer.step()) + ".pth");
    size_t compared = 0;
    for (const train::Parameter& parameter : train::model_parameters(model)) {
      const double norm = parameter.value.detach().to(at::kDouble).norm().item<double>();
      expect_relative(norm, run.at("final_norm").at(parameter.name).get<double>(), kParameter,
                      parameter.name);
      const auto expected = small.find(parameter.name);
      if (expected == small.end()) continue;
      EXPECT_LE(max_distance(parameter.value.detach(), expected->second), kParameter)
          << parameter.name;
      ++compared;
    }
    EXPECT_EQ(compared, small.size());
  }
  EXPECT_GT(cases, 0u);
}

}  // namespace
}  // namespace koi::test
