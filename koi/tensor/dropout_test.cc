#include "koi/tensor/dropout.h"

#include <gtest/gtest.h>

#include <cmath>

#include "koi/tensor/device.h"
#include "koi/tensor/random.h"

namespace koi::tensor {
namespace {

double share_of_zeros(const at::Tensor& x) { return x.eq(0).to(at::kDouble).mean().item<double>(); }

// Within five standard errors of a million draws.
TEST(Dropped, ZeroesTheShareAndKeepsTheMean) {
  constexpr int64_t kCount = 1000001;  // an odd one
  const at::Tensor x = at::ones({kCount});
  for (const double p : {0.01, 0.1, 0.5, 0.9}) {
    const double error = std::sqrt(p * (1 - p) / static_cast<double>(kCount));
    const at::Tensor y = dropped(x, p, 3);
    EXPECT_NEAR(share_of_zeros(y), p, 5 * error);
    EXPECT_FALSE(y.ne(0).logical_and_(y.sub(1 / (1 - p)).abs() > 1e-5).any().item<bool>());
    // Whether a neighbour is zeroed says nothing.
    const at::Tensor zero = y.eq(0).to(at::kDouble);
    const double both = (zero.slice(0, 1) * zero.slice(0, 0, kCount - 1)).mean().item<double>();
    EXPECT_NEAR(both, p * p, 5 * std::sqrt(p * p / static_cast<double>(kCount)));
  }
}

TEST(Dropped, FollowsFromTheSeedAlone) {
  const at::Tensor x = at::randn({300, 501}, make_generator(1));
  set_threads(3);
  const at::Tensor y = dropped(x, 0.2, 7);
  EXPECT_TRUE(y.equal(dropped(x, 0.2, 7)));
  EXPECT_TRUE(y.equal(dropped(x.flatten(), 0.2, 7).view_as(x)));
  EXPECT_TRUE(y.equal(dropped(x.t().contiguous().t(), 0.2, 7)));  // row by row, however it lies
  set_threads(1);
  EXPECT_TRUE(y.equal(dropped(x, 0.2, 7)));
  set_threads(0);
  EXPECT_TRUE(y.eq(0).equal(dropped(at::ones_like(x), 0.2, 7).eq(0)));
  // Another seed is another mask: both zero an element with 0.2 * 0.2.
  const at::Tensor both = y.eq(0).logical_and(dropped(x, 0.2, 8).eq(0));
  EXPECT_NEAR(both.to(at::kDouble).mean().item<double>(), 0.04, 0.003);
  EXPECT_TRUE(dropped(x, 0, 7).is_same(x));
}

TEST(Dropped, HasTheDtypeOfItsInput) {
  const at::Tensor x = at::randn({1000}, make_generator(1)).to(at::kBFloat16);
  const at::Tensor y = dropped(x, 0.5, 1);
  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(y.equal(dropped(x.to(at::kFloat), 0.5, 1).to(at::kBFloat16)));
}

TEST(DrawSeed, FollowsFromTheGeneratorsState) {
  at::Generator generator = make_generator(1);
  const at::Tensor state = generator.get_state();
  const uint64_t first = draw_seed(generator), second = draw_seed(generator);
  EXPECT_NE(first, second);
  generator.set_state(state);
  EXPECT_EQ(draw_seed(generator), first);
}

}  // namespace
}  // namespace koi::tensor
