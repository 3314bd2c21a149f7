#include "koi/audio/slice.h"

#include <gtest/gtest.h>

#include <cmath>

#include "koi/base/error.h"
#include "koi/base/random.h"

namespace koi::audio {
namespace {

// Seconds of tone and silence in turns, tone first.
std::vector<float> in_turns(const std::vector<double>& seconds, int rate_hz) {
  std::vector<float> samples;
  for (size_t i = 0; i < seconds.size(); ++i) {
    for (int64_t t = 0; t < std::llround(seconds[i] * rate_hz); ++t)
      samples.push_back(i % 2 == 0 ? 0.3F * std::sin(0.2F * static_cast<float>(t)) : 0.0F);
  }
  return samples;
}

TEST(Slice, CutsLieInTheSilencesAtEveryRate) {
  for (const int rate_hz : {8000, 11025, 44100, 192000}) {
    const auto samples = in_turns({6, 2, 7, 0.2, 3, 1, 8}, rate_hz);
    const auto pieces = plan_pieces(samples, rate_hz, {});
    ASSERT_EQ(pieces.size(), 3U) << rate_hz;
    // Half a second of silence stays at each inner end, less what is quietest.
    const auto seconds = [rate_hz](int64_t t) { return static_cast<double>(t) / rate_hz; };
    EXPECT_EQ(pieces[0][0].begin, 0);
    EXPECT_NEAR(seconds(pieces[0][0].end), 6.25, 0.3);
    EXPECT_NEAR(seconds(pieces[1][0].begin), 7.75, 0.3);
    EXPECT_NEAR(seconds(pieces[1][0].end), 18.45, 0.3);
    EXPECT_EQ(pieces[2][0].end, std::ssize(samples));
  }
}

TEST(Slice, SilenceIsNoPieceAndShortSoundIsOne) {
  const std::vector<float> silence(16000 * 20, 0.0F);
  EXPECT_TRUE(plan_pieces(silence, 16000, {}).empty());
  EXPECT_TRUE(plan_pieces({}, 16000, {}).empty());
  const auto one = plan_pieces(std::vector<float>{0.5F}, 16000, {});
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0], Piece({{0, 1}}));
}

// Whatever the sound: pieces in order, inside, apart, not empty, never over the maximum.
TEST(Slice, PiecesAreSoundForAnySound) {
  base::PythonRandom random(3);
  for (int round = 0; round < 60; ++round) {
    std::vector<double> turns;
    for (uint64_t i = 0; i < 2 + random.below(12); ++i) turns.push_back(2 * random.random());
    const auto samples = in_turns(turns, 2000);
    SliceOptions options{.min_duration_s = 0.3 + 2 * random.random(),
                         .max_duration_s = 0.5 + 3 * random.random(),
                         .max_silence_s = 0.02 + random.random(),
                         .merge_short = round % 2 == 0};
    int64_t end = 0;
    for (const Piece& piece : plan_pieces(samples, 2000, options)) {
      EXPECT_LE(static_cast<double>(length_of(piece)), options.max_duration_s * 2000 + 1);
      for (const Span& span : piece) {
        EXPECT_LE(end, span.begin);
        EXPECT_LT(span.begin, span.end);
        end = span.end;
      }
    }
    EXPECT_LE(end, std::ssize(samples));
  }
}

TEST(Slice, MergedPiecesFillUpToTheMaximum) {
  const auto samples = in_turns({2, 1, 2, 1, 2, 1, 2}, 16000);
  SliceOptions options{.min_duration_s = 1, .max_duration_s = 6.5, .merge_short = true};
  const auto pieces = plan_pieces(samples, 16000, options);
  ASSERT_EQ(pieces.size(), 2U);
  EXPECT_EQ(pieces[0].size(), 2U);
  EXPECT_EQ(pieces[1].size(), 2U);
}

TEST(Slice, ImpossibleOptionsAreRefused) {
  const double nan = std::nan("");
  for (const SliceOptions& options :
       {SliceOptions{.min_duration_s = 0.2}, SliceOptions{.max_silence_s = 0.005},
        SliceOptions{.hop_s = 0}, SliceOptions{.hop_s = 1}, SliceOptions{.max_duration_s = 0},
        SliceOptions{.top_db = 3}, SliceOptions{.min_duration_s = nan},
        SliceOptions{.max_duration_s = nan}, SliceOptions{.min_silence_s = nan},
        SliceOptions{.top_db = nan}, SliceOptions{.hop_s = nan}, SliceOptions{.max_silence_s = nan},
        SliceOptions{.min_duration_s = 1e300}}) {
    EXPECT_THROW(plan_pieces({}, 16000, options), Error);
  }
  EXPECT_THROW(slice_frames({.min_silence_s = 0.001, .hop_s = 0.001}, 300), Error);
}

}  // namespace
}  // namespace koi::audio
