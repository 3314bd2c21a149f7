// Speech that is guided by what the model says without the text.
#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <set>

#include "koi/base/error.h"
#include "koi/speech/long_text.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_checkpoint.h"
#include "tests/support/tiny_speech.h"

namespace koi::speech {
namespace {

using test::both_ways, test::common_columns, test::hot, test::im_end_first, test::prompt_of,
    test::tiny_model;
using testing::HasSubstr;

GenerateOptions guided(double guidance) {
  GenerateOptions options;
  options.sampling.greedy = true;
  options.guidance = guidance;
  options.max_new_tokens = options.min_new_tokens = 6;
  return options;
}

// The codes of the first frame, by the logits that a model gives with and without the text.
std::vector<int32_t> first_guided_codes(const SpeechModel& speech, const TokenColumns& prompt,
                                        const TokenColumns& textless, float guidance) {
  const std::unique_ptr<Steps> steps = make_steps(speech, 2);
  steps->append(0, prompt);
  steps->append(1, textless);
  const std::array<size_t, 2> both{0, 1};
  std::vector<int32_t> codes;
  std::vector<float> rows = steps->first_code_logits(both);
  for (int64_t k = 0; k < speech.model.config().num_codebooks; ++k) {
    if (k > 0) rows = steps->next_code_logits(both, std::vector<int32_t>(2, codes.back()));
    const size_t half = rows.size() / 2;
    size_t best = 1;
    const auto value = [&](size_t i) {
      return (1 - guidance) * rows[half + i] + guidance * rows[i];
    };
    for (size_t i = 1; i <= 1000; ++i)
      if (value(i) > value(best)) best = i;
    codes.push_back(static_cast<int32_t>(best));
  }
  return codes;
}

TEST(Guidance, GuidanceWeighsTheTextByWhatIsSaidWithoutIt) {
  const TokenColumns textless = prompt_of("");
  for (const SpeechModel& way : both_ways()) {
    std::set<std::vector<int32_t>> all;
    for (const char* text : {"a small boat.", "a big boat.", "speech is silver."}) {
      const TokenColumns prompt = prompt_of(text);
      // Of both what they begin with is computed once.
      const int64_t beginning = common_columns(prompt, textless);
      ASSERT_GT(beginning, 0);
      for (const double guidance : {1.2, 2.0, 4.0, 10.0}) {
        Speaker speaker(way, {portable_noise(1)}, Twins::without_text);
        const TokenColumns frames =
            speaker.speak({&prompt, 1}, guided(guidance), {&textless, 1}).front();
        const auto codes = frames.column(0).subspan(1);
        EXPECT_THAT(first_guided_codes(way, prompt, textless, static_cast<float>(guidance)),
                    testing::ElementsAreArray(codes.begin(), codes.end()));
        EXPECT_EQ(speaker.computed_columns(),
                  prompt.columns() + textless.columns() - beginning + 2 * 5);
        all.insert({codes.begin(), codes.end()});
      }
    }
    EXPECT_GT(all.size(), 6U);  // of 12

    const TokenColumns prompt = prompt_of("a small boat.");
    // Where the text says nothing more, guidance changes nothing.
    Speaker same(way, {portable_noise(1)}, Twins::without_text);
    EXPECT_EQ(same.speak(std::span(&prompt, 1), guided(4), std::span(&prompt, 1)).front().values,
              generate(way, prompt, guided(1), {}).values);
  }
}

TEST(Guidance, GuidedSpeechTogetherIsThatAlone) {
  GenerateOptions options = hot();
  options.guidance = 3;
  options.max_new_tokens = 12;
  const std::vector<TokenColumns> prompts{prompt_of("a small boat."), prompt_of("a big boat.")};
  const std::vector<TokenColumns> textless(2, prompt_of(""));
  const std::vector<Noise> noises{im_end_first(), portable_noise(2)};
  for (const SpeechModel& way : both_ways()) {
    Speaker speaker(way, noises, Twins::without_text);
    const auto together = speaker.speak(prompts, options, textless);
    EXPECT_EQ(together[0].columns(), 1);
    for (size_t i = 0; i < 2; ++i) {
      Speaker alone(way, {i == 0 ? im_end_first() : portable_noise(2)}, Twins::without_text);
      EXPECT_EQ(together[i].values,
                alone.speak({&prompts[i], 1}, options, {&textless[i], 1}).front().values);
    }
  }
}

TEST(Guidance, GuidanceOutOfRangeIsRefused) {
  for (const double guidance : {0.5, -1.0, 11.0, std::nan("")}) {
    EXPECT_THAT(test::refusal([&] { check_generation(guided(guidance)); }),
                HasSubstr("--guidance"));
  }
  EXPECT_NO_THROW(check_generation(guided(10)));
  Speaker speaker(tiny_model(), {portable_noise(1)});  // without twins
  const TokenColumns prompt = prompt_of("a");
  EXPECT_THROW(speaker.speak(std::span(&prompt, 1), guided(2)), Error);
}

// The twin hears the reference and the segments before, and reads nothing of them.
TEST(Guidance, GuidedSegmentsAreWeighedByAConversationWithoutTexts) {
  const SpeechModel way = both_ways().back();
  LongOptions options;
  options.generate = guided(3);
  options.chunk_length = 20;
  const Reference reference{"speech is silver.", {{8, 3, std::vector<int32_t>(24, 5)}, false}};
  const auto columns_of = [&](std::string_view text, const StoredCodes* codes = nullptr) {
    return encode_tokens(way.tokenizer, text, codes, way.prompt_options());
  };
  const test::TempDir dir;
  options.kept = KeptBeginnings{.files = base::BlobCache(dir.path()), .model = "weights"};
  for (const bool again : {false, true}) {  // the reference out of the files
    Speaker speaker(way, {portable_noise(1)}, Twins::without_text);
    const auto segments = generate_long(speaker, "a small boat. a big boat.", {reference}, options);
    ASSERT_EQ(segments.size(), 2U);
    TokenColumns read = columns_of(reference.text, &reference.codes);
    TokenColumns heard = columns_of("", &reference.codes);
    Speaker by_hand(way, {portable_noise(1)}, Twins::without_text);
    for (const Segment& segment : segments) {
      read.append(columns_of(segment.text));
      heard.append(columns_of(""));
      const TokenColumns frames =
          by_hand.speak(std::span(&read, 1), options.generate, std::span(&heard, 1)).front();
      for (int64_t t = 0; t < frames.columns(); ++t)
        for (int64_t k = 0; k < segment.codes.codes.codebooks; ++k)
          EXPECT_EQ(segment.codes.codes.at(k, t), frames.column(t)[static_cast<size_t>(k + 1)] - 1);
      read.append(frames);
      heard.append(frames);
    }
    // Of both conversations; the very last frame nobody needs.
    const int64_t last = segments[1].prompt_columns + 5;
    const int64_t words = columns_of(reference.text).columns() +
                          columns_of(segments[0].text).columns() +
                          columns_of(segments[1].text).columns() - 3 * columns_of("").columns();
    const int64_t all = 2 * last - words - common_columns(read, heard);
    const int64_t references = columns_of(reference.text, &reference.codes).columns() +
                               columns_of("", &reference.codes).columns() -
                               common_columns(read, heard);
    EXPECT_EQ(speaker.computed_columns(), again ? all - references : all);
  }
}

}  // namespace
}  // namespace koi::speech
