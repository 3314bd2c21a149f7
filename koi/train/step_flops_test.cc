#include "koi/train/step_flops.h"

#include <gtest/gtest.h>

#include "koi/lm/adapters.h"
#include "koi/train/losses.h"
#include "tests/support/train_samples.h"

namespace koi::train {
namespace {

// small_model(): D 16, H 2, G 1, head 8, so qkv 32; F 24; V 32; K 3, C 12; 2 slow, 1 fast layer.
constexpr double kWqkv = 16 * 32, kWo = 16 * 16, kFeedForward = 3 * 16 * 24;
constexpr double kLayer = kWqkv + kWo + kFeedForward;
constexpr double kHead = 16 * 32, kFastHead = 16 * 12;

// make_sample(seed, T): three columns of text, then frames, each with codes: positions 2 .. T-2
// have a next frame. All T positions have a label of row 0.
struct Shape {
  double tokens, frames, pairs;  // pairs of one head
};
constexpr Shape kShape{.tokens = 10, .frames = 7, .pairs = 55};

// A multiply-add is two; scores and their sum of values are two products.
constexpr double slow_layer(const Shape& shape) {
  return 2 * shape.tokens * kLayer + 2 * 2 * shape.pairs * 16;
}
constexpr double fast_layer(const Shape& shape) {
  return 2 * 3 * shape.frames * kLayer + 2 * 2 * shape.frames * 6 * 16;
}
constexpr double heads(const Shape& shape) {
  return 2 * shape.tokens * kHead + 2 * 3 * shape.frames * kFastHead;
}

TEST(StepFlops, FullFineTuningByHand) {
  const lm::DualAr model = test::small_model();
  const StepFlops flops = count_flops(model, test::make_sample(1, 10), /*recompute=*/false);
  const double forward = 2 * slow_layer(kShape) + fast_layer(kShape) + heads(kShape);
  EXPECT_EQ(flops.forward, forward);
  // The embeddings below all are trained: each product asks for both its gradients.
  EXPECT_EQ(flops.backward, 2 * forward);
  EXPECT_EQ(flops.recomputed, 0);
}

TEST(StepFlops, RecomputedLayersStandApart) {
  const lm::DualAr model = test::small_model();
  const StepFlops plain = count_flops(model, test::make_sample(1, 10), /*recompute=*/false);
  const StepFlops flops = count_flops(model, test::make_sample(1, 10), /*recompute=*/true);
  EXPECT_EQ(flops.recomputed, 2 * slow_layer(kShape) + fast_layer(kShape));
  EXPECT_EQ(flops.needed(), plain.needed());
}

TEST(StepFlops, OfSomeFramesOnly) {
  const lm::DualAr model = test::small_model();
  const Batch batch = test::make_sample(1, 10);
  Shape half = kShape;
  half.frames /= 2;
  EXPECT_EQ(count_flops(model, batch, /*recompute=*/false, /*fast_frames=*/0.5).forward,
            2 * slow_layer(half) + fast_layer(half) + heads(half));
}

TEST(StepFlops, HeadsThatAreMadeInPartsAreMadeAgain) {
  constexpr int64_t kManyWords = kLogitsAtOnce / 9;  // nine rows at once, of ten
  const lm::DualAr model = test::small_model(kManyWords);
  const StepFlops flops = count_flops(model, test::make_sample(1, 10), /*recompute=*/false);
  EXPECT_EQ(flops.recomputed, 2.0 * 10 * 16 * kManyWords);
}

TEST(StepFlops, AdaptersByHand) {
  lm::DualAr model = test::small_model();
  lm::add_lora(model, {.r = 2, .alpha = 4, .dropout = 0, .targets = {"layers.1.attention.wqkv"}},
               1);
  choose_trained(model, TrainedPart::adapters);
  const StepFlops flops = count_flops(model, test::make_sample(1, 10), /*recompute=*/true);
  const double a = 2 * 10 * 2 * 16, b = 2 * 10 * 2 * 32;  // x A^T, and that times B^T
  EXPECT_EQ(flops.forward, 2 * slow_layer(kShape) + fast_layer(kShape) + heads(kShape) + a + b);
  // Nothing below the second layer's wqkv is trained, and nothing else has a gradient of weights.
  const double above = 2 * 10 * (kWo + kFeedForward) + 2 * (2 * 2 * 55 * 16.0);
  EXPECT_EQ(flops.backward,
            above + fast_layer(kShape) + 2.0 * 2 * 7 * 6 * 16 + heads(kShape) + a + 2 * b);
  // No gradient enters the slow layers from below, so they are kept.
  EXPECT_EQ(flops.recomputed, fast_layer(kShape));
}

TEST(StepFlops, AdaptersEverywhereAskForEveryInput) {
  lm::DualAr model = test::small_model();
  lm::add_lora(model, {.r = 2, .alpha = 4, .dropout = 0}, 1);
  choose_trained(model, TrainedPart::adapters);
  const StepFlops flops = count_flops(model, test::make_sample(1, 10), /*recompute=*/false);
  const double base = 2 * slow_layer(kShape) + fast_layer(kShape) + heads(kShape);
  const double adapters = flops.forward - base;
  const double look_ups = 2.0 * 2 * 16 * (10 + 10 + 7 * 2);  // their second halves
  const double layer = 2.0 * 2 * ((16 + 32) + (16 + 16) + 3 * (16 + 24));
  EXPECT_EQ(adapters,
            look_ups + layer * (2 * 10 + 3 * 7) + 2.0 * 2 * (10 * (16 + 32) + 3 * 7 * (16 + 12)));
  const double pairs = 2 * 2 * 16.0 * (2 * 55 + 7 * 6);  // have two gradients of inputs
  EXPECT_EQ(flops.backward, base + pairs + 2 * adapters);
}

TEST(StepFlops, PaddedAndPackedSamplesCountTheSame) {
  const lm::DualAr model = test::small_model();
  std::vector<Batch> samples{test::make_sample(1, 10), test::make_sample(2, 17)};
  StepFlops sum = count_flops(model, samples[0], false);
  sum += count_flops(model, samples[1], false);
  EXPECT_EQ(count_flops(model, test::padded(samples), false).needed(), sum.needed());
  EXPECT_EQ(count_flops(model, test::packed(samples), false).needed(), sum.needed());
}

}  // namespace
}  // namespace koi::train
