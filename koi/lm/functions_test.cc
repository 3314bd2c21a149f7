#include "koi/lm/functions.h"

#include <gtest/gtest.h>

#include "koi/tensor/device.h"
#include "koi/tensor/memory_meter.h"
#include "koi/tensor/random.h"
#include "tests/support/tensor_near.h"

namespace koi::lm {
namespace {

constexpr double kNear = 1e-5;  // float32 sums of some ten terms near 1

using Computation = std::function<at::Tensor(const std::vector<at::Tensor>&)>;

// Values and gradients of both, for a random gradient of the result.
void expect_same(const Computation& computed, const Computation& expected,
                 const std::vector<at::Tensor>& inputs) {
  std::vector<at::Tensor> results[2];
  for (const bool plain : {false, true}) {
    std::vector<at::Tensor> leaves;
    for (const at::Tensor& input : inputs)
      leaves.push_back(input.detach().clone().requires_grad_(true));
    const at::Tensor y = (plain ? expected : computed)(leaves);
    auto generator = tensor::make_generator(9);
    y.backward(at::randn(y.sizes(), generator));
    results[plain].push_back(y.detach());
    for (const at::Tensor& leaf : leaves) results[plain].push_back(leaf.grad());
  }
  for (size_t i = 0; i < results[0].size(); ++i)
    test::expect_near(results[0][i], results[1][i], kNear, "part " + std::to_string(i));
  const at::NoGradGuard no_grad;
  EXPECT_TRUE(computed(inputs).equal(results[0][0]));  // not one bit else without gradients
}

TEST(RmsNorm, IsItsFormulaAndTheGradientsAreTheFormulas) {
  auto generator = tensor::make_generator(1);
  expect_same([](const auto& in) { return rms_norm(in[0], in[1], 1e-3); },
              [](const auto& in) {
                const at::Tensor mean = in[0].square().mean(-1, true);
                return in[0] * at::rsqrt(mean + 1e-3) * in[1];
              },
              {at::randn({3, 4, 16}, generator), at::randn({16}, generator)});
}

TEST(Gate, IsItsFormulaAndTheGradientsAreTheFormulas) {
  auto generator = tensor::make_generator(1);
  expect_same([](const auto& in) { return gate(in[0], in[1]); },
              [](const auto& in) { return at::silu(in[0]) * in[1]; },
              {at::randn({3, 4, 16}, generator), at::randn({3, 4, 16}, generator)});
}

TEST(Functions, OnSeveralThreadsAsOnOne) {
  auto generator = tensor::make_generator(1);
  std::vector<at::Tensor> inputs;
  for (int i = 0; i < 3; ++i) inputs.push_back(at::randn({100, 701}, generator));
  const at::Tensor weight = at::randn({701}, generator);
  const auto results = [&](int threads) {
    tensor::set_threads(threads);
    const at::Tensor a = inputs[0].clone().requires_grad_(), b = inputs[1].clone().requires_grad_();
    const at::Tensor y = gate(rms_norm(a, weight, 1e-6), b);
    y.backward(inputs[2]);
    return std::vector<at::Tensor>{y.detach(), a.grad(), b.grad()};
  };
  const std::vector<at::Tensor> one = results(1), three = results(3);
  tensor::set_threads(0);
  for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(three[i].equal(one[i])) << i;
}

// Beside its result: nothing of the size of its inputs.
TEST(Functions, KeepOnlyTheirInputs) {
  const at::Tensor a = at::ones({64, 256}).requires_grad_(true);
  const at::Tensor weight = at::ones({256});
  const auto size = static_cast<int64_t>(a.nbytes());
  const tensor::MemoryMeter meter;
  const at::Tensor normed = rms_norm(a, weight, 1e-6);
  EXPECT_LT(meter.live_bytes(), size + size / 50);
  const int64_t before = meter.live_bytes();
  const at::Tensor gated = gate(normed, a);
  EXPECT_LT(meter.live_bytes() - before, size + size / 50);
}

}  // namespace
}  // namespace koi::lm
