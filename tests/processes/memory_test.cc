// The memory estimate against what training takes: one process a case.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/run_program.h"

namespace koi::test {
namespace {

using nlohmann::json;

struct Case {
  const char* name;
  json changes;
};

json case_of(const json& changes) {
  json test_case{{"lora", true},   {"recompute", false},        {"packed", true},
                 {"dropout", 0.0}, {"vocab_size", 2000},        {"dim", 512},
                 {"n_layer", 8},   {"lengths", {300, 100, 112}}};
  test_case.update(changes);
  return test_case;
}

const json kRows{{"packed", false}, {"lengths", {160, 160, 160, 160}}};
const json kLarge{{"dim", 768}, {"n_layer", 10}, {"vocab_size", 32000}, {"lengths", {400, 220}}};

json with(json changes, const json& more) {
  changes.update(more);
  return changes;
}

class Memory : public testing::TestWithParam<Case> {};

// Three measures: what torch has in use at the worst moment of a step, to the byte; what the
// process grows by from the first step on; and all that it is. The estimate is within 20 % of
// each.
TEST_P(Memory, IsEstimatedWithin20Percent) {
  const RunResult run =
      test::run({KOI_BINARY_DIR "/tests/memory_program", case_of(GetParam().changes).dump()});
  ASSERT_EQ(run.status, 0) << run.err;
  const json found = json::parse(run.out);
  for (const char* what : {"in_use", "growth", "peak"}) {
    const double estimated = found.at(std::string("estimated_") + what);
    const double measured = found.at(what);
    EXPECT_NEAR(estimated / measured, 1, 0.2) << what << " " << measured << " MiB";
  }
  std::cout << GetParam().name << ": " << run.out;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Memory,
    testing::Values(Case{"lora", {{"lora", true}}}, Case{"lora_recomputed", {{"recompute", true}}},
                    Case{"lora_dropout", {{"dropout", 0.1}}}, Case{"lora_rows", kRows},
                    Case{"lora_rows_recomputed", with(kRows, {{"recompute", true}})},
                    Case{"lora_large", kLarge},
                    Case{"lora_large_recomputed", with(kLarge, {{"recompute", true}})},
                    Case{"full", {{"lora", false}}},
                    Case{"full_recomputed", {{"lora", false}, {"recompute", true}}},
                    Case{"full_large_recomputed",
                         with(kLarge, {{"lora", false}, {"recompute", true}})}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace koi::test
