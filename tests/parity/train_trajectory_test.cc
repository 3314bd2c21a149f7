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

// Empty where one is not there.
std::vector<train::Batch> golden_batches(int64_t count) {
  std::vector<train::Batch> batches;
  for (int64_t i = 0; i < count; ++i) {
    const std::string prefix = "lm/train/batch" + std::to_string(i);
    if (!have_batch(prefix)) return {};
    batches.push_back(golden_batch(prefix));
  }
  return batches;
}

// All batches on disk, for a record that does not say their number.
int64_t count_batches() { return std::ssize(find_goldens("lm/train", R"(batch\d+_inputs\.npy)")); }

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

// A recorded LoRA run: `name` in the record, `kind` its precision, whose start values are in
// `start`. Nothing where the set lacks a part of it.
struct LoraRun {
  std::string name, kind, start;
  at::ScalarType dtype;
  double tolerance;
};

void follow_lora(const LoraRun& which) {
  if (!have_model() || !have_golden(which.start)) return;
  const json recorded = lora_json();
  const json& run = recorded.at(which.name);
  const auto start = pth_tensors(which.start);
  const lm::LoraConfig lora = golden_lora(recorded, which.kind, start);
  const auto batches = golden_batches(recorded.at("batches"));
  if (lora.r == 0 || batches.empty()) return;
  lm::DualAr model = model_with_adapters(lora, start, which.dtype);
  const auto accumulate = static_cast<int64_t>(run.at("rows").size() / run.at("lr_used").size());
  const RecordedRates rates = rates_of(run["lr_used"]);
  const json& groups = recorded.at("param_groups");
  train::Trainer trainer(model, {.lr = rates.lr, .weight_decay = groups.at(0).at("weight_decay")},
                         {.warmup_steps = rates.warmup_steps}, {.accumulate_batches = accumulate},
                         tensor::make_generator(1, test_device()));
  expect_groups(trainer, groups);
  follow(trainer,
         {.rows = run["rows"],
          .rates = run["lr_used"],
          .accumulate = accumulate,
          .tolerance = which.tolerance},
         batches);
  if (!run.contains("final_norms")) return;  // a checkpoint has all values
  size_t checked = 0;
  for (const train::Parameter& parameter : train::model_parameters(model)) {
    if (!parameter.is_adapter()) continue;
    const double norm = parameter.value.to(at::kDouble).norm().item<double>();
    expect_relative(norm, run["final_norms"].at(parameter.name).get<double>(), which.tolerance,
                    parameter.name);
    ++checked;
  }
  EXPECT_EQ(checked, run["final_norms"].size());
}

TEST(TrajectoryParity, LoraFp32) {
  KOI_REQUIRE_GOLDEN("lm/train/lora_trajectories.json");
  for (const NamedPart& run : find_parts(lora_json(), "fp32"))
    follow_lora({run.name, "fp32", "lm/train/adapter_init_nonzero.pth", at::kFloat, kFp32});
}

TEST(TrajectoryParity, LoraFp32Accumulated) {
  KOI_REQUIRE_GOLDEN("lm/train/lora_trajectories.json");
  for (const NamedPart& run : find_parts(lora_json(), R"(fp32_accum\d+)"))
    follow_lora({run.name, "fp32", "lm/train/adapter_init_nonzero.pth", at::kFloat, kFp32});
}

TEST(TrajectoryParity, LoraBf16) {
  KOI_REQUIRE_GOLDEN("lm/train/lora_trajectories.json");
  for (const NamedPart& run : find_parts(lora_json(), "bf16"))
    follow_lora({run.name, "bf16", "lm/train/bf16_adapter_init_nonzero.pth", at::kBFloat16, kBf16});
}

TEST(TrajectoryParity, FullFineTuning) {
  KOI_REQUIRE_GOLDEN("lm/train/full_trajectories.json");
  const json recorded = full_json();
  const auto batches = golden_batches(count_batches());
  if (!have_model() || batches.empty()) return;
  ASSERT_FALSE(recorded.empty());
  for (const auto& [name, run] : recorded.items()) {
    SCOPED_TRACE(name);
    lm::DualAr model = golden_model(at::kFloat);
    train::choose_trained(model, train::TrainedPart::everything);
    const RecordedRates rates = rates_of(run.at("lr_used"));
    train::Trainer trainer(model, {.lr = rates.lr, .weight_decay = run.at("weight_decay")},
                           {.warmup_steps = rates.warmup_steps}, {},
                           tensor::make_generator(1, test_device()));
    expect_groups(trainer, run.at("param_groups"));
    follow(trainer, {.rows = run.at("rows"), .rates = run.at("lr_used")}, batches);
    for (const train::Parameter& parameter : train::model_parameters(model)) {
      const double norm = parameter.value.detach().to(at::kDouble).norm().item<double>();
      expect_relative(norm, run.at("final_norm").at(parameter.name).get<double>(), kParameter,
                      parameter.name);
    }

    const std::string file =
        "lm/train/full_" + name + "_small_after" + std::to_string(trainer.step()) + ".pth";
    if (!have_golden(file)) continue;
    std::map<std::string, at::Tensor> small = pth_tensors(file);
    for (const train::Parameter& parameter : train::model_parameters(model)) {
      const auto expected = small.extract(parameter.name);
      if (expected.empty()) continue;
      EXPECT_LE(max_distance(parameter.value.detach(), expected.mapped()), kParameter)
          << parameter.name;
    }
    EXPECT_TRUE(small.empty()) << "a parameter that the model lacks";
  }
}

}  // namespace
}  // namespace koi::test
