#include "koi/codec_train/checkpoint.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"
#include "tests/support/codec_training.h"

namespace koi::codec_train {
namespace {

using CodecCheckpoint = test::CodecTraining;

// 16 steps in three stages, cut off before each of them, at its first and in its middle.
TEST_F(CodecCheckpoint, GoesOnBitForBitFromEveryCheckpoint) {
  const auto whole = make();
  std::vector<Values> course;
  while (!whole->trainer.is_complete()) course.push_back(whole->trainer.step());
  ASSERT_EQ(course.size(), 16U);
  for (const size_t cut : {3U, 6U, 7U, 10U, 12U, 14U}) {
    const base::fs::path file = at_ / "cut.ckpt";
    {
      const auto begun = make();
      for (size_t i = 0; i < cut; ++i) begun->trainer.step();
      save_checkpoint(file, begun->trainer);
    }
    const auto rest = make({"seed=42"});
    load_checkpoint(file, rest->trainer);
    EXPECT_EQ(rest->trainer.position().step, static_cast<int64_t>(cut));
    for (size_t i = cut; i < course.size(); ++i) EXPECT_EQ(rest->trainer.step(), course[i]) << i;
    EXPECT_TRUE(rest->trainer.is_complete());
    expect_same(weights(rest->trainer), weights(whole->trainer));
  }
}

TEST_F(CodecCheckpoint, RefusesCheckpointsOfOtherSizesAndDamagedOnes) {
  const base::fs::path file = at_ / "other.ckpt";
  const auto training = make();
  training->trainer.step();
  save_checkpoint(file, training->trainer);
  const auto wider = make({"codec.backbone.dims=[24,16]"});
  EXPECT_THAT(
      [&] { load_checkpoint(file, wider->trainer); },
      testing::ThrowsMessage<Error>(testing::HasSubstr("with other settings: - 16 (now - 24)")));
  // What shows in no shape.
  for (const std::string setting :
       {"codec.spec_transform.sample_rate=4000", "codec.quantizer.levels=[4,6]",
        "codec.head.resblock_dilation_sizes=[[1,5]]"}) {
    const auto other = make({setting});
    EXPECT_THAT([&] { load_checkpoint(file, other->trainer); },
                testing::ThrowsMessage<Error>(testing::HasSubstr("with other settings")))
        << setting;
  }
  base::write_file(file, "no zip");
  EXPECT_THROW(load_checkpoint(file, training->trainer), Error);
}

// A stage that was the last one goes on where it gets more steps, and the next ones come behind it;
// one that was left does not.
TEST_F(CodecCheckpoint, StepsAreAddedToTheStageThatTheRunIsIn) {
  const base::fs::path file = at_ / "end.ckpt";
  const auto train = [&](const std::vector<std::string>& more, bool begun) {
    auto training = make(more);
    if (begun) load_checkpoint(file, training->trainer);
    while (!training->trainer.is_complete()) training->trainer.step();
    save_checkpoint(file, training->trainer);
    return training->trainer.position();
  };
  EXPECT_EQ(train({"stages.adversarial.steps=0"}, false), (Position{12, Stage::generator, 6}));
  EXPECT_EQ(train({"stages.adversarial.steps=0", "stages.generator.steps=8"}, true),
            (Position{14, Stage::generator, 8}));
  EXPECT_EQ(train({"stages.generator.steps=9"}, true), (Position{19, Stage::adversarial, 4}));
  EXPECT_THAT([&] { train({"stages.generator.steps=10"}, true); },
              testing::ThrowsMessage<Error>(testing::HasSubstr(
                  "stages.generator.steps: the run left this stage after 9 steps")));
}

TEST_F(CodecCheckpoint, TellsOtherRecordings) {
  const base::fs::path file = at_ / "few.ckpt";
  save_checkpoint(file, make()->trainer);
  EXPECT_TRUE(load_checkpoint(file, make()->trainer));
  test::write_recordings(at_ / "recordings", 6);
  EXPECT_FALSE(load_checkpoint(file, make()->trainer));
}

}  // namespace
}  // namespace koi::codec_train
