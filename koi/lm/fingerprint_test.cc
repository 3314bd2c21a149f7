#include "koi/lm/fingerprint.h"

#include <gtest/gtest.h>

#include <set>

#include "koi/lm/adapters.h"
#include "koi/lm/checkpoint.h"
#include "koi/tensor/random.h"

namespace koi::lm {
namespace {

DualAr make_model() {
  ModelConfig config;
  config.vocab_size = 50;
  config.n_layer = config.n_fast_layer = 2;
  config.n_head = config.n_local_heads = 2;
  config.dim = 48;
  config.intermediate_size = 70;
  config.codebook_size = 20;
  config.num_codebooks = 3;
  config.max_seq_len = 64;
  DualAr model(config, 3);
  initialize(model, 7);
  return model;
}

TEST(Fingerprint, EveryParameterCounts) {
  std::set<std::string> found;
  found.insert(fingerprint(cpu_weights(make_model(), {}, 1)));
  EXPECT_EQ(fingerprint(cpu_weights(make_model(), {}, 2)), *found.begin());
  size_t count = 0;
  make_model().visit([&](const std::string&, at::Tensor&) { ++count; });
  for (size_t changed = 0; changed < count; ++changed) {
    DualAr model = make_model();
    size_t at = 0;
    const at::NoGradGuard no_gradients;
    model.visit([&](const std::string&, at::Tensor& parameter) {
      if (at++ == changed) parameter[parameter.size(0) / 2].add_(0.25);
    });
    found.insert(fingerprint(cpu_weights(model, {}, 1)));
  }
  EXPECT_EQ(found.size(), count + 1);
}

TEST(Fingerprint, FormatsAndAdaptersCount) {
  std::set<std::string> found;
  for (const auto format :
       {kernels::Format::f32, kernels::Format::bf16, kernels::Format::int8, kernels::Format::int4})
    found.insert(fingerprint(cpu_weights(make_model(), {.slow = format, .fast = format}, 1)));
  DualAr adapted = make_model();
  add_lora(adapted, {.r = 4}, 1);
  EXPECT_TRUE(found.contains(fingerprint(cpu_weights(adapted, {}, 1))));  // B is zero
  at::Generator generator = tensor::make_generator(9);
  const at::NoGradGuard no_gradients;
  adapted.visit_lora(
      [&](const std::string&, at::Tensor& parameter) { parameter.normal_(0, 0.1, generator); });
  found.insert(fingerprint(cpu_weights(adapted, {}, 1)));
  EXPECT_EQ(found.size(), 5U);
}

}  // namespace
}  // namespace koi::lm
