#include "koi/speech/generate.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"
#include "koi/speech/long_text.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_speech.h"

namespace koi::speech {
namespace {

using test::both_ways, test::common_columns, test::hot, test::im_end_draws, test::im_end_first,
    test::prompt_of, test::tiny_model;
using testing::Each;
using testing::HasSubstr;

std::vector<Segment> speak_long(std::string_view text, const LongOptions& options,
                                const Noise& noise) {
  Speaker speaker(tiny_model(), {noise});
  return generate_long(speaker, text, {}, options);
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
  options.on_frame = [&](size_t, std::span<const int32_t>) {
    counts.push_back(std::ssize(counts) + 1);
  };
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
  options.on_frame = [](size_t, std::span<const int32_t>) { FAIL() << "a frame was made"; };
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
  options.on_frame = [frames = 0](size_t, std::span<const int32_t>) mutable {
    if (++frames == 2) throw Error(ErrorKind::io, "test", "enough");
  };
  EXPECT_THROW(generate(tiny_model(), prompt_of("a small boat."), options, portable_noise(3)),
               Error);
}

std::vector<int32_t> beginning(const TokenColumns& columns, int64_t count) {
  return {columns.values.begin(), columns.values.begin() + count * columns.rows};
}

// What was given before is not computed again, and changes nothing.
TEST(Speaker, ComputesOnlyWhatIsNew) {
  GenerateOptions options = hot();
  options.max_new_tokens = options.min_new_tokens = 5;
  const TokenColumns first = prompt_of("a small boat."), next = prompt_of("a big boat.");
  for (const SpeechModel& way : both_ways()) {
    Speaker speaker(way, {portable_noise(1)});
    const TokenColumns frames = speaker.speak(std::span(&first, 1), options).front();
    // The last frame was drawn and not given to the model.
    EXPECT_EQ(speaker.computed_columns(), first.columns() + 4);

    TokenColumns longer = first;
    longer.append(frames);
    longer.append(next);
    const auto count_of = [&](const TokenColumns& prompt) {
      const int64_t before = speaker.computed_columns();
      speaker.speak(std::span(&prompt, 1), options);
      return speaker.computed_columns() - before - 4;
    };
    EXPECT_EQ(count_of(longer), 1 + next.columns());
    EXPECT_EQ(count_of(longer), 1);  // its last column, for its hidden state
    EXPECT_EQ(count_of(first), 1);
    const int64_t common = common_columns(first, next);
    ASSERT_GT(common, 0);  // the user's turn begins in the same way
    EXPECT_EQ(count_of(next), next.columns() - common);

    Speaker fresh(way, {portable_noise(9)}), used(way, {portable_noise(9)});
    options.max_new_tokens = 1;  // one draw of noise less to keep in step
    options.sampling.greedy = true;
    used.speak(std::span(&first, 1), options);
    options.sampling.greedy = false;
    options.max_new_tokens = 5;
    EXPECT_EQ(used.speak(std::span(&longer, 1), options).front().values,
              fresh.speak(std::span(&longer, 1), options).front().values);
  }
}

// Between two Speakers, as between two runs of the program.
TEST(Speaker, BeginningsAreKeptInFiles) {
  const test::TempDir dir;
  const SpeechModel way = both_ways().back();
  const KeptBeginnings kept{.files = base::BlobCache(dir.path()), .model = "weights"};
  const TokenColumns beginning = prompt_of("a small boat.");
  TokenColumns prompt = beginning;
  prompt.append(prompt_of("a big boat."));
  GenerateOptions options = hot();
  options.max_new_tokens = options.min_new_tokens = 5;
  const auto expected = generate(way, prompt, options, portable_noise(1)).values;
  const auto computed = [&](const KeptBeginnings& where) {
    Speaker speaker(way, {portable_noise(1)});
    speaker.begin_with(beginning, where);
    EXPECT_EQ(speaker.speak(std::span(&prompt, 1), options).front().values, expected);
    return speaker.computed_columns();
  };
  const int64_t all = prompt.columns() + 4, rest = all - beginning.columns();
  EXPECT_EQ(computed(kept), all);
  EXPECT_EQ(computed(kept), rest);
  EXPECT_EQ(computed({.files = kept.files, .model = "others"}), all);
  for (const base::fs::path& file :
       base::list_files(dir.path(), [](const base::fs::path&) { return true; }))
    base::write_file(file, "damaged");
  EXPECT_EQ(computed(kept), all);
  EXPECT_EQ(computed(kept), rest);

  Speaker tensors(tiny_model(), {portable_noise(1)});  // keep nothing
  tensors.begin_with(beginning, kept);
  EXPECT_EQ(tensors.computed_columns(), 0);
}

TEST(Speaker, SpeaksTogetherWhatItSpeaksAlone) {
  GenerateOptions options = hot();
  options.max_new_tokens = 12;
  const std::vector<TokenColumns> prompts{prompt_of("a small boat."), prompt_of("a big boat."),
                                          prompt_of("speech is silver.")};
  const auto lasting = [](uint32_t seed) -> Noise {
    return [noise = portable_noise(seed)](std::span<float> row) {
      noise(row);
      if (row.size() == 2) row[1] = 1e30F;  // <|im_end|>
    };
  };
  const std::vector<Noise> noises{lasting(1), lasting(2), im_end_first()};
  for (const SpeechModel& way : both_ways()) {
    std::vector<std::vector<int32_t>> seen(prompts.size());
    options.on_frame = [&](size_t prompt, std::span<const int32_t> frame) {
      seen[prompt].insert(seen[prompt].end(), frame.begin(), frame.end());
    };
    Speaker speaker(way, noises);
    const std::vector<TokenColumns> together = speaker.speak(prompts, options);
    EXPECT_LT(together[2].columns(), together[0].columns());  // one is silent sooner
    options.on_frame = nullptr;
    for (size_t i = 0; i < prompts.size(); ++i) {
      EXPECT_EQ(together[i].values, generate(way, prompts[i], options, noises[i]).values);
      EXPECT_EQ(together[i].values, seen[i]);
    }
  }
}

TEST(LongText, SegmentsInStepHearWhatCameBeforeThem) {
  LongOptions options;
  options.generate = hot();
  options.generate.max_new_tokens = options.generate.min_new_tokens = 3;
  options.chunk_length = 20;
  std::vector<TokenColumns> prompts;
  options.on_prompt = [&](const TokenColumns& prompt) { prompts.push_back(prompt); };
  std::vector<std::vector<int32_t>> spoken(4);
  options.on_codes = [&](size_t segment, std::span<const int32_t> codes) {
    spoken.at(segment).insert(spoken[segment].end(), codes.begin(), codes.end());
  };
  Speaker speaker(tiny_model(), {portable_noise(1), portable_noise(2)});
  const auto segments = generate_long(
      speaker, "a small boat. a big boat. a small boat. speech is silver.", {}, options);
  ASSERT_EQ(segments.size(), 4U);
  const auto own = [&](size_t i) { return prompt_of(segments[i].text); };
  EXPECT_EQ(prompts[0].values, own(0).values);
  EXPECT_EQ(prompts[1].values, own(1).values);
  const int64_t before = own(0).columns() + own(1).columns() + 6;
  EXPECT_EQ(prompts[2].columns(), before + own(2).columns());
  EXPECT_EQ(prompts[3].columns(), before + own(3).columns());
  EXPECT_EQ(beginning(prompts[2], before), beginning(prompts[3], before));
  for (size_t i = 0; i < segments.size(); ++i) {
    const checkpoint::Codes& codes = segments[i].codes.codes;
    ASSERT_EQ(codes.frames, 3);
    ASSERT_EQ(spoken[i].size(), codes.values.size());
    for (int64_t k = 0; k < codes.codebooks; ++k)
      for (int64_t t = 0; t < 3; ++t)
        EXPECT_EQ(spoken[i][static_cast<size_t>(t * codes.codebooks + k)],
                  codes.values[static_cast<size_t>(k * 3 + t)]);
  }
}

// Each segment's prompt is the one before with its frames and a text: only that text is computed.
TEST(LongText, HistoryIsComputedOnce) {
  LongOptions options;
  options.generate = hot();
  options.generate.max_new_tokens = options.generate.min_new_tokens = 3;
  options.chunk_length = 20;
  Speaker speaker(tiny_model(), {portable_noise(1)});
  const auto segments =
      generate_long(speaker, "a small boat. a big boat. speech is silver.", {}, options);
  ASSERT_EQ(segments.size(), 3U);
  // The last frame of a segment is computed with the next one's prompt; nobody needs the very last.
  EXPECT_EQ(speaker.computed_columns(), segments.back().prompt_columns + 2);
}

TEST(LongText, SegmentsWithoutSpeechAreEmptyAndForgotten) {
  LongOptions options;
  options.generate = hot();
  options.chunk_length = 20;
  std::vector<int64_t> prompts;
  options.on_prompt = [&](const TokenColumns& prompt) { prompts.push_back(prompt.columns()); };
  const auto segments =
      speak_long("a small boat. a big boat. speech is silver.", options, im_end_first());
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
    EXPECT_EQ(speak_long(text, options, portable_noise(4)).size(), 8U);
  }
}

TEST(LongText, LastFrameIsKeptUnlessItEnds) {
  LongOptions options;
  options.generate.sampling.greedy = true;
  options.generate.max_new_tokens = 5;
  const auto frames = [&] {
    return join_codes(speak_long("a small boat.", options, {})).codes.frames;
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
    speak_long(text, options, portable_noise(0));
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("context is 96"));
  }
}

}  // namespace
}  // namespace koi::speech
