#include "koi/lm/recompute.h"

#include <gtest/gtest.h>

#include "koi/tensor/autocast.h"
#include "koi/tensor/random.h"

namespace koi::lm {
namespace {

// The gradients of x and of a weight that is used twice: first where it may be recomputed.
std::vector<at::Tensor> gradients(bool again) {
  auto generator = tensor::make_generator(1);
  const auto draw = [&] { return at::randn({8, 8}, generator).requires_grad_(true); };
  const at::Tensor x = draw(), weight = draw();
  const auto product = [&](const at::Tensor& in) { return at::linear(in, weight).sin(); };
  at::Tensor y;
  {
    const tensor::AutocastGuard guard(at::kCPU, at::kBFloat16);
    const at::Tensor first = again ? recompute(product, x, nullptr) : product(x);
    EXPECT_EQ(first.scalar_type(), at::kBFloat16);
    y = product(first).to(at::kFloat).sum();
  }
  EXPECT_FALSE(tensor::autocast_dtype(at::kCPU));
  y.backward();
  return {x.grad(), weight.grad()};
}

// What a pass without gradients has cast must not stand in for a cast with gradients.
TEST(Recompute, UnderAutocastGradientsAreThoseOfAPlainCall) {
  const auto expected = gradients(false), found = gradients(true);
  EXPECT_TRUE(found[0].equal(expected[0]));
  EXPECT_TRUE(found[1].allclose(expected[1], 1e-2, 1e-2));  // added up in another order
  EXPECT_GT(found[1].abs().max().item<double>(), 0.1);
}

}  // namespace
}  // namespace koi::lm
