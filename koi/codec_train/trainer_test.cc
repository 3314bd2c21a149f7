#include "koi/codec_train/trainer.h"

#include <gmock/gmock.h>

#include <cmath>

#include "koi/base/error.h"
#include "koi/codec/init.h"
#include "koi/codec_train/validation.h"
#include "tests/support/codec_training.h"

namespace koi::codec_train {
namespace {

using CodecTrainer = test::CodecTraining;

TEST_F(CodecTrainer, EachStageTrainsItsPartAndNothingElse) {
  const auto training = make({"stages.generator.batch_size=8", "stages.adversarial.batch_size=8"});
  Weights before = weights(training->trainer);
  const auto changed = [&] {
    const Weights now = weights(training->trainer);
    std::set<std::string> names;
    for (size_t i = 0; i < now.size(); ++i)
      if (!at::equal(now[i].second, before[i].second)) names.insert(now[i].first);
    before = now;
    return names;
  };
  const auto is_decoding = [](const std::string& name) {
    return name.starts_with("codec.head.") || name.starts_with("codec.quantizer.upsample.") ||
           name.find("project_out") != std::string::npos;
  };
  for (const Stage stage : kStages) {
    while (training->trainer.position().stage == stage && !training->trainer.is_complete())
      training->trainer.step();
    const std::set<std::string> names = changed();
    for (const auto& [name, unused] : before) {
      bool expected = is_decoding(name) || name.starts_with("discriminators.");
      if (stage == Stage::encoder)
        expected = !name.starts_with("codec.head.") && !name.starts_with("discriminators.");
      if (stage == Stage::generator) expected = is_decoding(name);
      EXPECT_EQ(names.contains(name), expected) << stage_name(stage) << " " << name;
    }
  }
}

TEST_F(CodecTrainer, LearnsToEncodeAndThenToSpeak) {
  test::write_recordings(at_ / "recordings", 24);
  const auto training =
      make({"stages.encoder.steps=150", "stages.encoder.lr=0.002", "stages.encoder.batch_size=12",
            "stages.encoder.columns=8", "stages.generator.steps=100", "stages.generator.lr=0.003",
            "stages.adversarial.steps=0", "optimizer.warmup_steps=5"});
  std::vector<Values> course;
  Validation heard, spoken;
  const auto check = [&](Stage stage) {
    return validate(training->trainer, stage, training->settings, training->recordings);
  };
  while (!training->trainer.is_complete()) {
    course.push_back(training->trainer.step());
    if (course.size() == 150) heard = check(Stage::encoder);
    if (course.size() == 151) spoken = check(Stage::generator);
  }
  EXPECT_LT(value(course[149], "mel"), 0.7 * value(course[0], "mel"));
  EXPECT_LT(value(course[149], "spread"), 0.3);
  EXPECT_LT(value(heard.values, "mel"), 0.8 * value(course[0], "mel"));
  EXPECT_LT(value(course[249], "loss"), 0.7 * value(course[150], "loss"));
  const Validation last = check(Stage::generator);
  EXPECT_LT(value(last.values, "stft"), 0.8 * value(spoken.values, "stft"));
  EXPECT_LT(value(last.values, "mel"), value(spoken.values, "mel"));
  ASSERT_EQ(last.usage.size(), 4U);
  // Of 25 codes; glides of single tones need few, and a quantizer that fails has 1.
  for (const CodeUsage& usage : last.usage) EXPECT_GT(usage.perplexity, 2);
}

// What the first step sees: the quantizer's inputs in their place, the read-out at the mean.
TEST_F(CodecTrainer, BeginsWithInputsThatAreSpread) {
  const auto training = make({"stages.encoder.lr=0"});
  const Values first = training->trainer.step();
  EXPECT_LT(value(first, "spread"), 1e-3);
  EXPECT_LT(value(first, "mel"), 5);
}

TEST_F(CodecTrainer, SegmentsSpectrogramsAreThoseOfTheWholeRecording) {
  const auto training = make();
  const Recording& recording = training->recordings.training()[1];
  const at::Tensor wave = at::empty({1, recording.columns * 256});
  training->recordings.read(recording, 0,
                            {wave.mutable_data_ptr<float>(), static_cast<size_t>(wave.numel())});
  const at::Tensor whole = training->trainer.log_mel().forward(wave);  // [1, M, F]
  for (const int64_t column : {int64_t{0}, int64_t{5}, recording.columns - 6}) {
    const at::Tensor part = training->trainer.mels({{1, column}}, 4);
    EXPECT_LE((part - whole.narrow(2, 4 * column, 16)).abs().max().item<double>(), 1e-4);
    EXPECT_TRUE(at::equal(training->trainer.waves({{1, column}}, 4).view({-1}),
                          wave[0].narrow(0, 256 * column, 1024)));
  }
}

// Each weighs on what the codec becomes.
TEST_F(CodecTrainer, EveryPartOfTheLossCounts) {
  const auto outcome = [&](const std::string& setting) {
    const auto training = make({setting});
    while (!training->trainer.is_complete()) training->trainer.step();
    return weights(training->trainer);
  };
  const Weights usual = outcome("seed=42");
  for (const std::string setting :
       {"loss.mel=3", "loss.stft=3", "loss.adversarial=3", "loss.feature=3", "loss.deviation=3"}) {
    const Weights changed = outcome(setting);
    bool same = true;
    for (size_t i = 0; i < usual.size(); ++i)
      same = same && (!usual[i].first.starts_with("codec.") ||
                      at::equal(usual[i].second, changed[i].second));
    EXPECT_FALSE(same) << setting;
  }
}

// AdamW's first step is as long as the rate, unless its epsilon of 1e-8 is the larger part.
TEST_F(CodecTrainer, GradientsAreClipped) {
  const auto training =
      make({"optimizer.clip_norm=1.0e-12", "optimizer.warmup_steps=0", "stages.encoder.lr=0.01"});
  const auto weight = [&] {
    for (const auto& [name, value] : weights(training->trainer))
      if (name == "readout.weight") return value;
    return at::Tensor();
  };
  const at::Tensor before = weight();
  training->trainer.step();
  EXPECT_LT((weight() - before).abs().max().item<double>(), 1e-4);
}

TEST_F(CodecTrainer, InputsBesideTheMiddleCost) {
  const auto training = make({"stages.encoder.lr=0"});
  EXPECT_LT(value(training->trainer.step(), "spread"), 1);
  {
    const at::NoGradGuard no_grad;
    training->trainer.model().visit([](const std::string& name, at::Tensor& bias) {
      if (name.ends_with("project_in.bias")) bias.add_(1);
    });
  }
  // 1 is four deviations of 0.25.
  EXPECT_NEAR(value(training->trainer.step(), "spread"), 16, 8);
}

// Shorter ones than any segment: none of them is silence alone, and what a stage without steps
// would have taken changes nothing.
TEST_F(CodecTrainer, ShortRecordingsAreHeard) {
  base::fs::remove_all(at_ / "recordings");
  base::make_folder(at_ / "recordings");
  for (int i = 0; i < 4; ++i)
    audio::write_wav_pcm16(at_ / ("recordings/word" + std::to_string(i) + ".wav"),
                           test::gliding_tone(static_cast<uint64_t>(i), 0.1, 8000), 8000);
  const std::vector<std::string> longer = {"stages.encoder.columns=60"};
  for (const Place& place :
       make(longer)->recordings.draw({.seed = 1, .stage = Stage::generator, .step = 0}, 500, 4))
    EXPECT_EQ(place.column, 0);
  const auto validated = [&](const std::vector<std::string>& more) {
    const auto fresh = make(more);
    return validate(fresh->trainer, Stage::generator, fresh->settings, fresh->recordings).values;
  };
  EXPECT_EQ(validated(longer), validated({}));
  const auto first_step = [&](const std::string& columns) {
    return make({"stages.encoder.steps=0", columns})->trainer.step();
  };
  EXPECT_EQ(first_step(longer[0]), first_step("stages.encoder.columns=4"));
}

// A codec that was trained before is not spread anew.
TEST_F(CodecTrainer, GoesOnWithAnotherCodecsWeights) {
  const auto first = make({"stages.encoder.steps=3"});
  for (int i = 0; i < 3; ++i) first->trainer.step();
  codec::write_codec(first->trainer.model().codec, at_ / "codec.pth");
  const auto second =
      make({"stages.encoder.lr=0", "pretrained_codec='" + (at_ / "codec.pth").string() + "'"});
  const double mel = value(second->trainer.step(), "mel");
  EXPECT_LT(mel, 5);  // the read-out begins at the mean here too
  const Weights a = weights(first->trainer), b = weights(second->trainer);
  for (size_t i = 0; i < a.size(); ++i) {
    if (!a[i].first.starts_with("codec.")) continue;
    // The generator's weights pass through weight norm.
    EXPECT_LE((a[i].second - b[i].second).abs().max().item<double>(), 1e-6) << a[i].first;
  }
}

TEST_F(CodecTrainer, AnotherCodecsWeightsMustBeOfTheseSettings) {
  codec::write_codec(make()->trainer.model().codec, at_ / "codec.pth");
  EXPECT_THAT(
      [&] {
        make({"codec.spec_transform.sample_rate=4000",
              "pretrained_codec='" + (at_ / "codec.pth").string() + "'"});
      },
      testing::ThrowsMessage<Error>(
          testing::HasSubstr("codec.pth: is of a codec with other settings: sample_rate: 8000 (now "
                             "sample_rate: 4000)")));
}

TEST_F(CodecTrainer, StopsBeforeAWeightIsNoNumber) {
  const auto spoil = [](Trainer& trainer, double value) {
    const at::NoGradGuard no_grad;
    trainer.model().visit([&](const std::string& name, at::Tensor& weight) {
      if (name == "readout.weight") weight.fill_(value);
    });
  };
  for (const auto& [weight, what] :
       {std::pair(std::nan(""), "the loss is no finite number; lower stages.encoder.lr"),
        std::pair(1e30, "the gradient is no finite number")}) {
    const auto training = make();
    training->trainer.step();
    spoil(training->trainer, weight);
    const Weights before = weights(training->trainer);
    EXPECT_THAT([&] { training->trainer.step(); },
                testing::ThrowsMessage<Error>(testing::HasSubstr(what)));
    EXPECT_EQ(training->trainer.position().step, 1);
    if (std::isfinite(weight)) expect_same(weights(training->trainer), before);
  }
}

TEST(CodeUsage, CountsCodesAndTheirEntropy) {
  const CodeUsage even = count_usage(at::tensor({0, 1, 2, 3}, at::kLong), 10);
  EXPECT_EQ(even.distinct, 4);
  EXPECT_NEAR(even.perplexity, 4, 1e-9);
  EXPECT_NEAR(count_usage(at::tensor({7, 7, 7}, at::kLong), 10).perplexity, 1, 1e-9);
}

}  // namespace
}  // namespace koi::codec_train
