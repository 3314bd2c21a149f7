#include "koi/lm/presets.h"

#include <gtest/gtest.h>

#include "koi/base/error.h"
#include "koi/lm/checkpoint.h"

namespace koi::lm {
namespace {

TEST(Presets, AreSound) {
  EXPECT_EQ(preset_json("fish-speech-1.4").size(), 493u);  // the published file's size
  for (const char* name : {"tiny", "fish-speech-1.4"})
    EXPECT_NO_THROW(parse_config(preset_json(name), name)) << name;
  EXPECT_THROW(preset_json("huge"), Error);
}

// Whatever it has heard or said: texts and frames, of several seeds.
TEST(Presets, TalkativeModelsPreferToSpeak) {
  constexpr int64_t kSemantic = 5;
  const ModelConfig config = parse_config(preset_json("tiny"), "tiny");
  const at::Tensor text = at::arange(40).view({1, 1, 40});
  const at::Tensor frames = at::full({1, 1, 40}, kSemantic, at::kLong);
  const at::Tensor codes = at::arange(8 * 40).view({1, 8, 40}) * 7 % config.codebook_size;
  const at::Tensor tokens =
      at::cat({at::cat({text, codes * 0}, 1), at::cat({frames, codes}, 1)}, 2);
  for (uint64_t seed = 0; seed < 5; ++seed) {
    DualAr model(config, kSemantic);
    initialize(model, seed);
    make_talkative(model);
    const at::Tensor best = model.forward(tokens, {}, {}).token_logits.argmax(-1);
    EXPECT_TRUE(best.eq(kSemantic).all().item<bool>()) << seed;
  }
}

}  // namespace
}  // namespace koi::lm
