// Learning-rate factors and gradient norms, against the reference. Factors are exact to 1e-15;
// fp32 norms to 1e-6 relative, bfloat16 norms to the neighbouring bfloat16.
#include <gtest/gtest.h>

#include "koi/train/gradients.h"
#include "tests/parity/train_goldens.h"

namespace koi::test {
namespace {

train::Schedule schedule_of(const json& test_case) {
  const json& params = test_case.at("params");
  train::Schedule schedule;
  schedule.kind = test_case.at("schedule") == "cosine" ? train::ScheduleKind::cosine
                                                       : train::ScheduleKind::constant;
  schedule.warmup_steps = params.at("num_warmup_steps");
  if (params.contains("num_training_steps"))
    schedule.training_steps = params["num_training_steps"].get<int64_t>();
  schedule.final_ratio = params.value("final_lr_ratio", schedule.final_ratio);
  schedule.cycles = params.value("num_cycles", schedule.cycles);
  return schedule;
}

TEST(ScheduleParity, Factors) {
  KOI_REQUIRE_GOLDEN("data/scheduler/factors.json");
  const json cases = read_json(golden("data/scheduler/factors.json"));
  ASSERT_FALSE(cases.empty());
  for (const json& test_case : cases) {
    SCOPED_TRACE(test_case.at("params").dump());
    const train::Schedule schedule = schedule_of(test_case);
    if (test_case.contains("error")) {
      EXPECT_THROW(schedule.factor(0), Error);
      continue;
    }
    // Differs: behind the last step the reference's cosine rises again, ours stays.
    const double warmup = schedule.warmup_steps;
    const auto last = static_cast<int64_t>(
        std::max(static_cast<double>(schedule.training_steps.value_or(1 << 30)), warmup + 1));
    const auto& factors = test_case.at("factors");
    for (size_t step = 0; step < factors.size(); ++step) {
      const auto at = static_cast<int64_t>(step);
      if (at <= last) {
        EXPECT_NEAR(schedule.factor(at), factors[step].get<double>(), 1e-15) << step;
      } else {
        EXPECT_EQ(schedule.factor(at), schedule.factor(last)) << step;
      }
    }
  }
}

TEST(ScheduleParity, RatesOfTheOptimizer) {
  KOI_REQUIRE_GOLDEN("data/scheduler/adamw_lambda_lr.json");
  const json expected = read_json(golden("data/scheduler/adamw_lambda_lr.json"));
  train::Schedule schedule;
  schedule.warmup_steps = expected.at("num_warmup_steps");
  const double lr = expected.at("lr");
  for (const char* key : {"lr_used_in_step", "last_lr_after_step"}) {
    const int64_t shift = key == std::string("last_lr_after_step") ? 1 : 0;
    const auto& rates = expected.at(key);
    for (size_t step = 0; step < rates.size(); ++step) {
      EXPECT_NEAR(lr * schedule.factor(static_cast<int64_t>(step) + shift),
                  rates[step].get<double>(), 1e-15 * lr);
    }
  }
}

at::Tensor tensor_of(const json& values) {
  if (values.is_array() && !values.empty() && values[0].is_array()) {
    std::vector<at::Tensor> rows;
    for (const json& row : values) rows.push_back(tensor_of(row));
    return at::stack(rows);
  }
  return at::tensor(values.get<std::vector<double>>(), at::kDouble).to(at::kFloat);
}

// The sub-modules whose norms are logged; {""} for the whole model.
std::vector<std::string> modules_of(const json& args) {
  if (!args.contains("sub_module")) return {""};
  const json& named = args["sub_module"];
  if (named.is_string()) return {named.get<std::string>()};
  return named.get<std::vector<std::string>>();
}

TEST(GradNormParity, Cases) {
  KOI_REQUIRE_GOLDEN("data/grad_norm/cases.json");
  const json cases = read_json(golden("data/grad_norm/cases.json"));
  ASSERT_FALSE(cases.empty());
  for (const json& test_case : cases) {
    SCOPED_TRACE(test_case.at("case").dump());
    const json& args = test_case.at("args");
    double type = 2;
    if (args.contains("norm_type")) {
      type = args["norm_type"].is_string() ? std::stod(args["norm_type"].get<std::string>())
                                           : args["norm_type"].get<double>();
    }
    const json& logged = test_case.at("logged");
    size_t entry = 0;
    for (const std::string& module : modules_of(args)) {
      std::vector<at::Tensor> gradients;
      for (const auto& [name, values] : test_case.at("grads").items()) {
        if (!name.starts_with(module)) continue;
        // One dtype a module, in the order of the modules' names.
        const size_t index = name.starts_with("a.") ? 0 : 1;
        const bool half = test_case.at("dtypes").at(index) == "torch.bfloat16";
        gradients.push_back(tensor_of(values).to(half ? at::kBFloat16 : at::kFloat));
      }
      const at::Tensor norm = train::grad_norm(gradients, type);
      if (gradients.empty()) {
        EXPECT_FALSE(norm.defined());
        continue;
      }
      const json& expected = logged.at(entry++);
      const bool half = expected.at(2) == "torch.bfloat16";
      EXPECT_EQ(norm.scalar_type(), half ? at::kBFloat16 : at::kFloat);
      expect_relative(norm.item<double>(), expected.at(1).get<double>(), half ? 1.0 / 128 : 1e-6,
                      expected.at(0).get<std::string>());
    }
    EXPECT_EQ(entry, logged.size());
  }
}

}  // namespace
}  // namespace koi::test
