#include "koi/eval/embedding.h"

#include <gmock/gmock.h>

#include <cmath>

#include "koi/base/error.h"

namespace koi::eval {
namespace {

using testing::ElementsAre;

TEST(Embedding, IsBroughtToLengthOne) {
  EXPECT_THAT(*parse_embedding("3  -4.0", "x"), ElementsAre(0.6, -0.8));
  EXPECT_FALSE(parse_embedding("", "x"));
  for (const char* text : {"1,2", "1 a", "nan 1", "inf", "0 0", "1e999", "1e300 1e300", "0x10"})
    EXPECT_THROW(parse_embedding(text, "x"), Error) << text;
}

TEST(Embedding, LikenessIsTheCosineWithTheSpeakersMean) {
  Speaker speaker;
  EXPECT_FALSE(speaker.likeness({1, 0}));
  speaker.add({1, 0});
  EXPECT_FALSE(speaker.likeness_to_others({1, 0}));
  speaker.add({0, 1});
  EXPECT_NEAR(*speaker.likeness({1, 0}), std::sqrt(0.5), 1e-12);
  EXPECT_NEAR(*speaker.likeness({-1, 0}), -std::sqrt(0.5), 1e-12);
  EXPECT_NEAR(*speaker.likeness_to_others({1, 0}), 0, 1e-12);
  EXPECT_THROW(speaker.add({1}), Error);
  EXPECT_THROW(static_cast<void>(speaker.likeness({1, 0, 0})), Error);
}

}  // namespace
}  // namespace koi::eval
