// The sampler equals the reference's (fish-speech v1.4.3, torch 2.15 on the CPU; how the numbers
// were made: lm/generate/README.md).
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "koi/speech/sampling.h"
#include "tests/support/goldens.h"

namespace koi::speech {
namespace {

// Probabilities come out of float32 softmaxes of another order of summation: some 1e-7 each.
constexpr double kProbability = 1e-6;

TEST(SamplingParity, ProbabilitiesAndPicks) {
  KOI_REQUIRE_GOLDEN("lm/generate/sampling_cases.json");
  const nlohmann::json cases = test::read_json(test::golden("lm/generate/sampling_cases.json"));
  ASSERT_FALSE(cases.empty());
  for (size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE("case " + std::to_string(i));
    const nlohmann::json& c = cases[i];
    const auto logits = c.at("logits").get<std::vector<float>>();
    std::vector<int64_t> previous;
    if (!c.at("previous_tokens").is_null()) c.at("previous_tokens").get_to(previous);
    const SamplingOptions options{.temperature = c.at("temperature"),
                                  .top_p = c.at("top_p"),
                                  .repetition_penalty = c.at("repetition_penalty")};

    const auto expected = c.at("probs").get<std::vector<double>>();
    const std::vector<float> found = token_probabilities(logits, previous, options);
    ASSERT_EQ(found.size(), expected.size());
    for (size_t k = 0; k < found.size(); ++k) EXPECT_NEAR(found[k], expected[k], kProbability);

    if (!c.contains("mt19937_seed")) continue;
    const Noise noise = portable_noise(c.at("mt19937_seed").get<uint32_t>());
    EXPECT_EQ(sample_token(logits, previous, options, noise), c.at("picked").get<int64_t>());
  }
}

// Equal to the last bit but for the rounding of the logarithm. The record does not name the seed:
// it is the README's 42 or that of a case.
TEST(SamplingParity, PortableNoise) {
  KOI_REQUIRE_GOLDEN("lm/generate/generate.json");
  const nlohmann::json facts = test::read_json(test::golden("lm/generate/generate.json"));
  if (!test::has_part(facts, "portable_noise_first8")) return;
  const auto expected = facts["portable_noise_first8"].get<std::vector<float>>();
  std::set<uint32_t> seeds = {42};
  for (const nlohmann::json& c : facts.at("cases")) {
    if (!c.at("mt19937_seed").is_null()) seeds.insert(c["mt19937_seed"].get<uint32_t>());
  }
  const auto gives_them = [&](uint32_t seed) {
    std::vector<float> found(expected.size());
    portable_noise(seed)(found);
    for (size_t i = 0; i < found.size(); ++i) {
      if (std::abs(found[i] - expected[i]) > 1e-7 * std::abs(expected[i])) return false;
    }
    return true;
  };
  EXPECT_EQ(std::count_if(seeds.begin(), seeds.end(), gives_them), 1);
}

}  // namespace
}  // namespace koi::speech
