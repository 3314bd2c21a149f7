#include "koi/train/memory_choice.h"

#include <gmock/gmock.h>

namespace koi::train {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr int64_t kGib = int64_t{1} << 30;

const MemoryEstimate kEstimate{
    .kept = {.program = kGib, .weights = 2 * kGib, .optimizer = kGib, .step = 6 * kGib},
    .recomputed = {.program = kGib, .weights = 2 * kGib, .optimizer = kGib, .step = kGib}};

TEST(MemoryChoice, LayersAreRecomputedOnlyWhereKeepingThemWouldNotFit) {
  EXPECT_FALSE(choose_recompute(Recompute::automatic, kEstimate, 10 * kGib));
  EXPECT_TRUE(choose_recompute(Recompute::automatic, kEstimate, 10 * kGib - 1));
  EXPECT_TRUE(choose_recompute(Recompute::automatic, kEstimate, 0));
  EXPECT_TRUE(choose_recompute(Recompute::always, kEstimate, 10 * kGib));
  EXPECT_FALSE(choose_recompute(Recompute::never, kEstimate, 0));
}

TEST(MemoryChoice, TheUserIsTold) {
  EXPECT_THAT(describe_memory(Recompute::automatic, kEstimate, 20 * kGib),
              ElementsAre("memory: a step needs about 10.0 GiB (weights 2.0, optimizer 1.0, "
                          "activations and gradients 6.0, program 1.0), 20.0 GiB are free"));
  EXPECT_THAT(describe_memory(Recompute::automatic, kEstimate, 6 * kGib),
              ElementsAre(AllOf(HasSubstr("about 5.0 GiB"), HasSubstr("6.0 GiB are free; layers"),
                                HasSubstr("without that it would need 10.0 GiB"))));
  EXPECT_THAT(describe_memory(Recompute::always, kEstimate, 20 * kGib),
              ElementsAre(AllOf(HasSubstr("about 5.0 GiB"), Not(HasSubstr("again")))));
  EXPECT_THAT(describe_memory(Recompute::automatic, kEstimate, 4 * kGib),
              ElementsAre(HasSubstr("about 5.0 GiB"),
                          AllOf(HasSubstr("lower data.batch_size"), HasSubstr("max_length"),
                                Not(HasSubstr("model.recompute")))));
  EXPECT_THAT(describe_memory(Recompute::never, kEstimate, 6 * kGib),
              ElementsAre(HasSubstr("about 10.0 GiB"), HasSubstr("model.recompute=auto")));
}

}  // namespace
}  // namespace koi::train
