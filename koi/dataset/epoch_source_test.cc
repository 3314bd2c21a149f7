#include "koi/dataset/epoch_source.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "koi/base/error.h"
#include "tests/support/goldens.h"

namespace koi::dataset {
namespace {

const text::Tokenizer& tokenizer() {
  static const auto loaded =
      text::Tokenizer::load(std::string(KOI_SOURCE_DIR) + "/tests/goldens/data/sampling/tokenizer");
  return loaded;
}

// Sentence i has the code i in all its frames.
TextData speaker(const std::string& name, uint32_t first_code, size_t count) {
  TextData data{"folder", name, {}};
  for (uint32_t i = 0; i < count; ++i) {
    const std::vector<uint32_t> frames(5 + i % 4, first_code + i);
    data.sentences.push_back({{"some words", "the same in another spelling"}, CodeRows(3, frames)});
  }
  return data;
}

std::vector<EpochDataset> datasets(SamplerOptions options = {.max_length = 120}) {
  return {{{speaker("ada", 0, 30)}, options}, {{speaker("한별", 100, 11)}, options}};
}

constexpr EpochSourceOptions kOptions{.seed = 3, .batch_size = 2, .max_length = 120};

// How often each code stands in the batch, of its first codebook.
void count_codes(const Batch& batch, std::map<int64_t, int>& counts) {
  for (int64_t t = 0; t < batch.columns; ++t)
    ++counts[batch.tokens[static_cast<size_t>(batch.columns + t)] - 1];
}

// Known before they are drawn: the samples' lengths at most, the frames exactly.
TEST(EpochSource, RowsHaveTheSizesThatItSays) {
  EpochSourceOptions options = kOptions;
  options.batch_size = 1;
  EpochSource source(datasets(), options, tokenizer());
  const std::vector<RowSize> sizes = source.row_sizes();
  ASSERT_EQ(sizes.size(), static_cast<size_t>(source.summary().rows));
  for (const RowSize& size : sizes) {
    const Batch batch = source.next();
    ASSERT_EQ(size.samples.size(), batch.segments.size());
    for (size_t i = 0; i < size.samples.size(); ++i) EXPECT_GE(size.samples[i], batch.segments[i]);
    std::map<int64_t, int> counts;
    count_codes(batch, counts);
    EXPECT_EQ(size.frames, batch.columns - counts[-1]);
  }
}

TEST(EpochSource, AnEpochHasEveryFrameOnceAndNoPadding) {
  EpochSourceOptions options = kOptions;
  options.batch_size = 1;
  EpochSource source(datasets(), options, tokenizer());
  EXPECT_EQ(source.summary().speakers, 2);
  EXPECT_EQ(source.summary().sentences, 41);
  for (int epoch = 0; epoch < 2; ++epoch) {
    std::map<int64_t, int> counts;
    const int64_t rows = source.summary().rows;
    for (int64_t row = 0; row < rows; ++row) {
      const Batch batch = source.next();
      EXPECT_EQ(batch.size, 1);
      EXPECT_EQ(batch.rows, 4);
      EXPECT_LE(batch.columns, 120);
      EXPECT_EQ(batch.tokens.size(), static_cast<size_t>(4 * batch.columns));
      EXPECT_EQ(batch.labels.size(), batch.tokens.size());
      EXPECT_EQ(batch.attention_mask, std::vector<uint8_t>(static_cast<size_t>(batch.columns), 0));
      int64_t sum = 0;
      for (const int64_t length : batch.segments) sum += length;
      EXPECT_EQ(sum, batch.columns);
      count_codes(batch, counts);
    }
    EXPECT_EQ(source.position().row, static_cast<uint64_t>(rows));
    counts.erase(-1);  // text
    EXPECT_EQ(counts.size(), 41u);
    for (uint32_t i = 0; i < 30; ++i) EXPECT_EQ(counts[i], 5 + i % 4) << i;
    for (uint32_t i = 0; i < 11; ++i) EXPECT_EQ(counts[100 + i], 5 + i % 4) << i;
    EXPECT_EQ(source.position().epoch, static_cast<uint64_t>(epoch));
  }
}

// Two ranks of batch 2, and one rank twice of batch 2, see what one rank of batch 4 sees.
TEST(EpochSource, RanksShareTheRowsOfOneBatch) {
  const auto open = [](int64_t batch_size, int64_t rank, int64_t world_size) {
    return EpochSource(datasets(),
                       {.seed = 3,
                        .batch_size = batch_size,
                        .max_length = 120,
                        .rank = rank,
                        .world_size = world_size},
                       tokenizer());
  };
  EpochSource whole = open(4, 0, 1), twice = open(2, 0, 1), first = open(2, 0, 2),
              second = open(2, 1, 2);
  const auto append = [](Batch batch, const Batch& more) {
    std::map<int64_t, int> counts;
    count_codes(batch, counts);
    count_codes(more, counts);
    return counts;
  };
  for (int i = 0; i < 20; ++i) {  // over the end of several epochs
    std::map<int64_t, int> expected;
    count_codes(whole.next(), expected);
    const Batch a = first.next(), b = second.next();
    EXPECT_EQ(append(a, b), expected);
    EXPECT_EQ(twice.next().tokens, a.tokens);
    EXPECT_EQ(twice.next().tokens, b.tokens);
    EXPECT_EQ(first.position(), second.position());
    EXPECT_EQ(first.position(), whole.position());
  }
}

TEST(EpochSource, GoesOnExactlyThereWithAnyNumberOfRanks) {
  EpochSource source(datasets(), kOptions, tokenizer());
  for (int i = 0; i < 17; ++i) source.next();
  const EpochPosition position = source.position();
  EXPECT_GT(position.epoch, 0u);
  EpochSource other(datasets(), kOptions, tokenizer());
  other.restore(position);
  EpochSourceOptions of_two = kOptions;
  of_two.world_size = 2;
  EpochSource rank(datasets(), of_two, tokenizer());
  rank.restore(position);
  EXPECT_EQ(rank.next().tokens, source.next().tokens);
  other.next();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(other.next().tokens, source.next().tokens);
  EXPECT_THROW(other.restore({.epoch = 0, .row = 1000}), Error);
}

// Over some epochs each of them comes, a sentence once an epoch as ever.
TEST(EpochSource, ShiftedCodesTakeTurns) {
  TextData ada = speaker("ada", 0, 20);
  for (Sentence& sentence : ada.sentences) {
    const uint32_t code = sentence.codes[0][0];
    // One frame more, as silence in front can make it.
    const std::vector<uint32_t> frames(sentence.codes[0].size() + 1, code + 50);
    sentence.shifted = {CodeRows(3, frames)};
  }
  EpochSourceOptions options = kOptions;
  options.batch_size = 1;
  EpochSource source({{{ada}, {.max_length = 120}}}, options, tokenizer());
  const std::vector<RowSize> sizes = source.row_sizes();
  int shifted = 0;
  for (int epoch = 0; epoch < 4; ++epoch) {
    std::map<int64_t, int> counts;
    for (int64_t row = source.summary().rows; row > 0; --row) {
      const Batch batch = source.next();
      if (epoch == 0) {
        std::map<int64_t, int> of_row;
        count_codes(batch, of_row);
        EXPECT_EQ(sizes[sizes.size() - static_cast<size_t>(row)].frames,
                  batch.columns - of_row[-1]);
      }
      count_codes(batch, counts);
    }
    for (int64_t i = 0; i < 20; ++i) {
      const bool is_shifted = counts[i] == 0;
      const int frames = 5 + static_cast<int>(i) % 4;
      EXPECT_EQ(is_shifted ? counts[i + 50] : counts[i], frames + is_shifted) << i;
      EXPECT_EQ(is_shifted ? counts[i] : counts[i + 50], 0) << i;
      shifted += is_shifted;
    }
  }
  EXPECT_GT(shifted, 20);  // of 80
  EXPECT_LT(shifted, 60);
}

// Nine sentences of one text and three readings: its own codes are 0, those behind a third and two
// thirds of a frame of silence 1 and 2.
EpochDataset aligned_readings(const SamplerOptions& options) {
  TextData ada{"folder", "ada", {}};
  for (int i = 0; i < 9; ++i) {
    ada.sentences.push_back({{"abcd"}, CodeRows(3, {0, 0, 0, 0})});
    ada.sentences.back().shifted = {CodeRows(3, {1, 1, 1, 1}), CodeRows(3, {2, 2, 2, 2, 2})};
    ada.sentences.back().alignment = {1, 2, 0, 4};
  }
  return {{ada}, options};
}

// An alignment goes with shifted codes too, half a frame and more are a frame.
TEST(EpochSource, AlignmentsGoWithEachReading) {
  const auto ids = tokenizer().encode("abcd", text::SpecialTokens::plain);
  ASSERT_EQ(ids.size(), 4U);
  const int64_t none = kIgnoredLabel;
  const std::vector<std::vector<int64_t>> expected = {
      {ids[0], ids[1], none, ids[3]},
      {ids[0], ids[1], none, ids[3]},
      {none, ids[0], ids[1], none, ids[3]},
  };
  std::set<int64_t> seen;
  for (const bool aligned : {true, false}) {
    SamplerOptions sampler{.max_length = 20};
    sampler.alignment = aligned;
    sampler.max_sentences = 1;
    EpochSource source({aligned_readings(sampler)}, {.seed = 3, .batch_size = 1, .max_length = 20},
                       tokenizer());
    for (int64_t row = 3 * source.summary().rows; row > 0; --row) {
      const Batch batch = source.next();
      ASSERT_EQ(batch.segments.size(), 1U);
      const int64_t reading = batch.tokens[static_cast<size_t>(2 * batch.columns - 1)] - 1;
      if (!aligned) {
        EXPECT_TRUE(batch.alignment.empty());
        continue;
      }
      seen.insert(reading);
      const auto& wanted = expected[static_cast<size_t>(reading)];
      // Each frame is asked for one column before, and behind the last there is the end.
      EXPECT_EQ(
          std::vector<int64_t>(batch.alignment.end() - static_cast<int64_t>(wanted.size()) - 1,
                               batch.alignment.end() - 1),
          wanted);
    }
  }
  EXPECT_EQ(seen.size(), 3U);
}

TEST(EpochSource, ReadingsOfTooFewCodebooksAreRefused) {
  TextData ada = speaker("ada", 0, 4);
  ada.sentences[3].shifted = {CodeRows(2, {50, 50})};
  EXPECT_NO_THROW(check_groups({ada}, {.num_codebooks = 2}));
  EXPECT_THROW(check_groups({ada}, {.num_codebooks = 3}), Error);
}

// Texts that are not learnt leave labels to the frames and the end alone.
TEST(EpochSource, TextsMayBeReadWithoutBeingLearnt) {
  for (const bool learn_texts : {true, false}) {
    SamplerOptions sampler{.max_length = 20};
    sampler.max_sentences = 1;
    sampler.learn_texts = learn_texts;
    EpochSource source({aligned_readings(sampler)}, {.seed = 3, .batch_size = 1, .max_length = 20},
                       tokenizer());
    const Batch batch = source.next();
    const auto columns = static_cast<size_t>(batch.columns);
    for (size_t t = 0; t < columns; ++t) {
      const bool asks_for_frame_or_end = t + 1 == columns || batch.tokens[columns + t + 1] > 0;
      EXPECT_EQ(batch.labels[t] != kIgnoredLabel, learn_texts || asks_for_frame_or_end) << t;
    }
  }
}

// What is spoken is learnt behind an empty text too; no text is asked for in it.
TEST(EpochSource, TextsMayBeLeftOut) {
  for (const double interactive : {0.0, 1.0}) {
    SamplerOptions sampler{.max_length = 60, .interactive_prob = interactive};
    sampler.use_speaker = false;
    sampler.alignment = true;
    sampler.text_dropout = 1;
    EpochSource source({aligned_readings(sampler)}, {.seed = 3, .batch_size = 1, .max_length = 60},
                       tokenizer());
    const auto prompt = tokenizer().encode("<|im_start|>user\n<|im_end|><|im_start|>assistant\n",
                                           text::SpecialTokens::parse);
    const Batch batch = source.next();
    const auto columns = static_cast<size_t>(batch.columns);
    int64_t frames = 0;
    for (size_t t = 0; t < columns; ++t) {
      frames += batch.tokens[columns + t] > 0;
      const int64_t next = t + 1 < columns ? batch.tokens[columns + t + 1] : 0;
      if (next > 0) {
        EXPECT_EQ(batch.labels[columns + t], next) << t;
      }
    }
    EXPECT_GT(frames, 3);
    // As many prompts as turns, each as long as one without a letter.
    const auto turns = std::count(batch.tokens.begin(), batch.tokens.begin() + batch.columns,
                                  tokenizer().require_id("<|im_start|>")) /
                       2;
    EXPECT_EQ(batch.columns, turns * std::ssize(prompt) + frames);
    for (const int64_t asked : batch.alignment) EXPECT_EQ(asked, kIgnoredLabel);
  }
}

TEST(EpochSource, OverlongSentencesAreCutAndCounted) {
  std::vector<EpochDataset> data = datasets();
  data[0].groups[0].sentences[7].codes = CodeRows(3, std::vector<uint32_t>(500, 7));
  EpochSource source(std::move(data), {.seed = 3, .batch_size = 1, .max_length = 120}, tokenizer());
  EXPECT_EQ(source.summary().cut_sentences, 1);
  EXPECT_GT(source.summary().longest_tokens, 500);
  int cut = 0;
  for (int64_t row = 0; row < source.summary().rows; ++row) {
    const Batch batch = source.next();
    EXPECT_LE(batch.columns, 120);
    cut += batch.tokens[static_cast<size_t>(2 * batch.columns - 1)] == 7 + 1;
  }
  EXPECT_EQ(cut, 1);
}

// A transcript that spells special tokens out cannot end its own turn.
TEST(EpochSource, TranscriptsGiveNoSpecialTokens) {
  const auto count = [](text::SpecialTokens specials) {
    TextData data = speaker("ada", 0, 1);
    data.sentences[0].texts = {"<|im_end|><|semantic|>"};
    SamplerOptions options{.max_length = 120};
    options.specials = specials;
    const Batch batch =
        EpochSource({{{data}, options}}, {.batch_size = 1, .max_length = 120}, tokenizer()).next();
    return std::count(batch.tokens.begin(), batch.tokens.begin() + batch.columns,
                      tokenizer().require_id("<|semantic|>"));
  };
  EXPECT_EQ(count(text::SpecialTokens::plain), 5);  // one a frame
  EXPECT_EQ(count(text::SpecialTokens::parse), 6);
}

TEST(EpochSource, SettingsThatCannotBeAreRefused) {
  const auto refused = [](std::vector<EpochDataset> data, EpochSourceOptions options) {
    EXPECT_THROW(EpochSource(std::move(data), options, tokenizer()), Error);
  };
  refused({}, kOptions);
  refused({{{{"folder", "ada", {}}}, {}}}, kOptions);
  refused(datasets({.interactive_prob = 1.5}), kOptions);
  refused(datasets({.num_codebooks = 4}), kOptions);
  refused(datasets(), {.batch_size = 0});
  refused(datasets(), {.max_length = 19});
  refused(datasets(), {.rank = 2, .world_size = 2});
}

}  // namespace
}  // namespace koi::dataset
