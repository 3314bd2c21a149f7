#include "koi/codec_train/code_store.h"

#include <gmock/gmock.h>

#include "tests/support/codec_training.h"

namespace koi::codec_train {
namespace {

using Codes = test::CodecTraining;

TEST_F(Codes, CodesAreKeptWhileTheGeneratorLearns) {
  const auto training = make({"stages.encoder.steps=0", "stages.generator.batch_size=8"});
  int encoded = 0;
  const auto encode = [&] {
    CodeStore(training->trainer.model().codec, training->recordings,
              {.least_columns = 4, .cache = at_ / "codes", .prepared = [&](size_t, size_t) {
                 ++encoded;
               }});
  };
  training->trainer.step();
  encode();
  training->trainer.step();
  encode();
  EXPECT_EQ(encoded, 0);
}

TEST_F(Codes, CodesOfAnotherBackboneAreNotTaken) {
  const auto first_step = [&](double factor) {
    const auto training = make({"stages.encoder.steps=0"});
    {
      const at::NoGradGuard no_grad;
      training->trainer.model().visit([&](const std::string& name, at::Tensor& weight) {
        if (name.starts_with("codec.backbone.norm")) weight.mul_(factor).add_(1 - factor);
      });
    }
    return training->trainer.step();
  };
  const Values usual = first_step(1), other = first_step(-2);
  base::fs::remove_all(at_ / "codes");
  EXPECT_EQ(first_step(-2), other);
  EXPECT_NE(other, usual);
}

// Codes up to 65535, from the right places; other levels of the same weights are other codes.
TEST_F(Codes, KeepsTheCodesOfEveryRecording) {
  const auto training = make({"codec.quantizer.levels=[256,256]"});
  const Recordings& recordings = training->recordings;
  codec::Firefly& codec = training->trainer.model().codec;
  int encoded = 0;
  const auto store = [&](codec::Firefly& model) {
    encoded = 0;
    return CodeStore(model, recordings,
                     {.least_columns = 4, .cache = at_ / "codes", .prepared = [&](size_t, size_t) {
                        ++encoded;
                      }});
  };
  for (const int expected : {4, 0}) {  // kept in between
    const CodeStore codes = store(codec);
    EXPECT_EQ(encoded, expected);
    for (size_t i = 0; i < recordings.training().size(); ++i) {
      const at::Tensor whole = encode_recording(codec, recordings, recordings.training()[i]);
      EXPECT_GT(whole.max().item<int64_t>(), 32767);
      const int64_t last = recordings.training()[i].columns - 4;
      for (const int64_t column : {int64_t{0}, last})
        EXPECT_TRUE(at::equal(codes.at({{i, column}}, 4), whole.narrow(2, column, 4)));
    }
  }
  const auto other = make({"codec.quantizer.levels=[255,257]"});
  store(other->trainer.model().codec);
  EXPECT_EQ(encoded, 4);
}

}  // namespace
}  // namespace koi::codec_train
