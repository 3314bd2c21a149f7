#include "koi/speech/generate.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"
#include "koi/speech/long_text.h"
#include "koi/tensor/device.h"
#include "tests/support/goldens.h"

namespace koi::speech {
namespace {

using testing::Each;
using testing::HasSubstr;

const SpeechModel& tiny_model() {
  static const SpeechModel model = [] {
    tensor::set_threads(1);  // the model is too small to share
    return load_speech_model(KOI_SOURCE_DIR "/tests/goldens/lm/tiny", {.max_seq_len = 96});
  }();
  return model;
}

TokenColumns prompt_of(std::string_view text) {
  return encode_tokens(tiny_model().tokenizer, text, nullptr, tiny_model().prompt_options());
}

// Draws of 1, but for <|im_end|> in each race in which it takes part. In constrained generation it
// is the second of two.
Noise im_end_draws(float value) {
  return [value](std::span<float> row) {
    std::fill(row.begin(), row.end(), 1.0F);
    if (row.size() == 2) row[1] = value;
    if (std::ssize(row) == tiny_model().model.config().vocab_size)
      row[static_cast<size_t>(tiny_model().im_end_id)] = value;
  };
}
// It wins, and other tokens no sooner.
Noise im_end_first() { return im_end_draws(1e-30F); }

GenerateOptions hot() {
  GenerateOptions options;
  options.sampling = {.temperature = 5, .top_p = 1, .repetition_penalty = 1};
  return options;
}

TEST(Generate, ConstrainedFramesCanBeSpoken) {
  GenerateOptions options = hot();
  options.max_new_tokens = 40;
  const int64_t semantic = tiny_model().model.semantic_token_id();
  for (const uint32_t seed : {1U, 2U, 3U}) {
    const TokenColumns found =
        generate(tiny_model(), prompt_of("a small boat."), options, portable_noise(seed));
    ASSERT_GT(found.columns(), 0);
    for (int64_t t = 0; t < found.columns(); ++t) {
      const auto frame = found.column(t);
      const bool last = t + 1 == found.columns();
      if (last && frame[0] == tiny_model().im_end_id) {
        EXPECT_THAT(frame.subspan(1), Each(0));
      } else {
        EXPECT_EQ(frame[0], semantic);
        EXPECT_THAT(frame.subspan(1), Each(testing::AllOf(testing::Ge(1), testing::Le(1000))));
      }
    }
  }
}

TEST(Generate, EndRightBehindThePromptEnds) {
  GenerateOptions options = hot();
  EXPECT_EQ(generate(tiny_model(), prompt_of("a"), options, im_end_first()).columns(), 1);
  options.constrained = false;  // the reference looks at the second frame only
  EXPECT_EQ(generate(tiny_model(), prompt_of("a"), options, im_end_first()).columns(), 2);
}

TEST(Generate, MinimumPutsOffTheEnd) {
  GenerateOptions options = hot();
  options.min_new_tokens = 3;
  EXPECT_EQ(generate(tiny_model(), prompt_of("a"), options, im_end_first()).columns(), 4);
}

TEST(Generate, LengthIsLimitedByOptionAndContext) {
  GenerateOptions options;
  options.sampling.greedy = true;
  options.max_new_tokens = 1;
  const TokenColumns prompt = prompt_of("a small boat.");
  std::vector<int64_t> counts;
  options.on_frame = [&](int64_t frames) { counts.push_back(frames); };
  EXPECT_EQ(generate(tiny_model(), prompt, options, {}).columns(), 1);
  EXPECT_THAT(counts, testing::ElementsAre(1));

  // Where nothing ends the speech the context does.
  options.sampling = hot().sampling;
  options.on_frame = nullptr;
  const Noise never_end = im_end_draws(1e30F);
  for (const int64_t limit : {int64_t{0}, int64_t{1000}}) {
    options.max_new_tokens = limit;
    EXPECT_EQ(generate(tiny_model(), prompt, options, never_end).columns(),
              tiny_model().context_length() - prompt.columns());
  }
}

TEST(Generate, ImpossiblePromptsAreErrorsBeforeAnythingRuns) {
  GenerateOptions options;
  options.on_frame = [](int64_t) { FAIL() << "a frame was made"; };
  const auto message = [&](const TokenColumns& prompt) -> std::string {
    try {
      generate(tiny_model(), prompt, options, portable_noise(0));
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  TokenColumns prompt = prompt_of("a");
  TokenColumns long_prompt = prompt;
  while (long_prompt.columns() < tiny_model().context_length()) long_prompt.append(prompt);
  EXPECT_THAT(message(long_prompt), HasSubstr("context of 96"));
  const auto with_value = [&](size_t at, int32_t value) {
    TokenColumns changed = prompt;
    changed.values[at] = value;
    return message(changed);
  };
  EXPECT_THAT(with_value(0, 400), HasSubstr("row 0"));
  EXPECT_THAT(with_value(0, -1), HasSubstr("row 0"));
  EXPECT_THAT(with_value(2, 1024), HasSubstr("row 2"));
  EXPECT_THAT(message({3, {1, 2, 3}, false}), HasSubstr("rows"));
  options.max_new_tokens = -1;
  EXPECT_THAT(message(prompt), HasSubstr("--max-new-tokens"));
}

TEST(Generate, CallbackMayGiveUp) {
  GenerateOptions options;
  options.on_frame = [](int64_t frames) {
    if (frames == 2) throw Error(ErrorKind::io, "test", "enough");
  };
  EXPECT_THROW(generate(tiny_model(), prompt_of("a small boat."), options, portable_noise(3)),
               Error);
}

TEST(LongText, SegmentsWithoutSpeechAreEmptyAndForgotten) {
  LongOptions options;
  options.generate = hot();
  options.chunk_length = 20;
  std::vector<int64_t> prompts;
  options.on_prompt = [&](const TokenColumns& prompt) { prompts.push_back(prompt.columns()); };
  const auto segments = generate_long(tiny_model(), "a small boat. a big boat. speech is silver.",
                                      {}, options, im_end_first());
  ASSERT_GT(segments.size(), 1U);
  for (size_t i = 0; i < segments.size(); ++i) {
    EXPECT_EQ(segments[i].codes.codes.frames, 0);
    EXPECT_EQ(prompts[i], prompt_of(segments[i].text).columns());
  }
  const StoredCodes joined = join_codes(segments);
  EXPECT_EQ(joined.codes.codebooks, tiny_model().model.config().num_codebooks);
  EXPECT_EQ(joined.codes.frames, 0);
}

// The history is cut to what the context of 96 holds, so that many segments can follow each other.
TEST(LongText, HistoryLeavesRoomForTheFrames) {
  LongOptions options;
  options.generate.max_new_tokens = 12;
  options.chunk_length = 20;
  options.on_prompt = [&](const TokenColumns& prompt) {
    EXPECT_LE(prompt.columns() + options.generate.max_new_tokens, tiny_model().context_length());
  };
  std::string text;
  for (int i = 0; i < 8; ++i) text += "a small boat. ";
  for (const int64_t max_length : {2048, 1024, 100}) {
    options.max_length = max_length;
    EXPECT_EQ(generate_long(tiny_model(), text, {}, options, portable_noise(4)).size(), 8U);
  }
}

TEST(LongText, LastFrameIsKeptUnlessItEnds) {
  LongOptions options;
  options.generate.sampling.greedy = true;
  options.generate.max_new_tokens = 5;
  const auto frames = [&] {
    return join_codes(generate_long(tiny_model(), "a small boat.", {}, options, {})).codes.frames;
  };
  EXPECT_EQ(frames(), 5);
  options.generate.constrained = false;  // the reference drops it
  EXPECT_EQ(frames(), 4);
}

TEST(LongText, NothingToSayIsAUsageError) {
  LongOptions options;
  for (const char* text : {"", "  \n", "[]()", "\xf0\x9f\x98\x80", "..."}) {
    EXPECT_THROW(check_request(text, options), Error) << text;
  }
  options.iterative_prompt = false;
  EXPECT_THROW(check_request("[]", options), Error);
  EXPECT_NO_THROW(check_request("a", options));
  options.chunk_length = 0;
  EXPECT_THROW(check_request("a", options), Error);
}

TEST(LongText, TextBeyondTheContextIsRefusedBeforeAnythingRuns) {
  LongOptions options;
  options.iterative_prompt = false;
  options.on_prompt = [](const TokenColumns&) { FAIL() << "a segment was begun"; };
  std::string text;
  for (int i = 0; i < 100; ++i) text += "boats ";
  try {
    generate_long(tiny_model(), text, {}, options, portable_noise(0));
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("context is 96"));
  }
}

}  // namespace
}  // namespace koi::speech
