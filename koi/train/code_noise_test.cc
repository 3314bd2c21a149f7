#include "koi/train/code_noise.h"

#include <gtest/gtest.h>

#include "koi/tensor/random.h"

namespace koi::train {
namespace {

constexpr int64_t kFrames = 2000;

// Two rows of frames behind 100 positions of text; the code k of a frame is its number * 4 + k.
at::Tensor numbered_tokens() {
  auto tokens = at::zeros({2, 4, 100 + kFrames}, at::kLong);
  tokens.select(1, 0).fill_(7);
  const auto numbers = at::arange(1, 2 * kFrames + 1).view({2, kFrames});
  for (int64_t k = 0; k < 3; ++k) tokens.select(1, 1 + k).slice(1, 100).copy_(numbers * 4 + k);
  return tokens;
}

at::Tensor exchanged(double share, uint64_t seed = 1) {
  auto generator = tensor::make_generator(seed);
  return exchange_codes(numbered_tokens(), share, generator);
}

TEST(CodeNoise, ExchangesFramesAndCodesBetweenFrames) {
  const auto tokens = numbered_tokens();
  const auto heard = exchanged(0.1);
  ASSERT_EQ(heard.sizes(), tokens.sizes());
  EXPECT_TRUE(at::equal(heard.select(1, 0), tokens.select(1, 0)));
  EXPECT_TRUE(at::equal(heard.slice(2, 0, 100), tokens.slice(2, 0, 100)));  // the text

  const auto codes = heard.slice(1, 1).slice(2, 100);
  for (int64_t k = 0; k < 3; ++k)  // a code stays in its codebook
    EXPECT_TRUE(codes.select(1, k).remainder(4).eq(k).all().item<bool>());
  const auto wrong = codes.ne(tokens.slice(1, 1).slice(2, 100));
  const auto share_of = [](const at::Tensor& which) {
    return which.to(at::kDouble).mean().item<double>();
  };
  // 1 - 0.9^2 of the codes; all three of 0.1 + 0.9 * 0.1^3 of the frames.
  EXPECT_NEAR(share_of(wrong), 0.19, 0.015);
  EXPECT_NEAR(share_of(wrong.all(1)), 0.1009, 0.015);
  // A frame that is exchanged as a whole is one that there is.
  const auto numbers = codes.div(4, "floor");
  const auto whole = wrong.all(1).logical_and(numbers.eq(numbers.slice(1, 0, 1)).all(1));
  EXPECT_NEAR(share_of(whole), 0.09, 0.02);
}

TEST(CodeNoise, FollowsFromTheGeneratorAndTheShare) {
  EXPECT_TRUE(at::equal(exchanged(0.1), exchanged(0.1)));
  EXPECT_FALSE(at::equal(exchanged(0.1), exchanged(0.1, 2)));
  EXPECT_TRUE(at::equal(exchanged(0), numbered_tokens()));
  auto generator = tensor::make_generator(1);
  const auto texts = numbered_tokens().slice(2, 0, 100);
  EXPECT_TRUE(at::equal(exchange_codes(texts, 0.5, generator), texts));
}

}  // namespace
}  // namespace koi::train
