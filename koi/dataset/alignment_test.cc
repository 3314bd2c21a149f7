#include "koi/dataset/alignment.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <functional>

#include "koi/base/error.h"
#include "tests/support/goldens.h"
#include "tests/support/temp_dir.h"

namespace koi::dataset {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const text::Tokenizer& tokenizer() {
  static const auto loaded =
      text::Tokenizer::load(std::string(KOI_SOURCE_DIR) + "/tests/goldens/data/sampling/tokenizer");
  return loaded;
}

std::vector<uint32_t> read(const std::string& text, size_t frames) {
  const test::TempDir folder;
  base::write_file(folder / "a.alignment", text);
  return read_alignment(folder / "a.alignment", frames);
}

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Alignment, IsReadFrameByFrame) {
  EXPECT_THAT(read("0 1\n12\t3\r\n", 4), ElementsAre(0, 1, 12, 3));
  EXPECT_THAT(read("1 2 3", 5), ElementsAre(1, 2, 3, 0, 0));
  EXPECT_THAT(read("1 2 3", 1), ElementsAre(1));
  EXPECT_TRUE(read(" \n", 2).size() == 2);
  for (const char* text : {"1 x", "1 -1", "1 2.5", "4294967296", "1 2x"})
    EXPECT_THAT(error_of([&] { read(text, 2); }), HasSubstr("a.alignment: holds \"")) << text;
  EXPECT_THAT(error_of([] { read("1 2 3", 6); }), HasSubstr("is of 3 frames, the codes are 6"));
  EXPECT_THAT(error_of([] { read("1 2 3 4", 1); }), HasSubstr("is of 4 frames, the codes are 1"));
}

// Two sentences in one turn, with characters of several bytes, and frames of nothing.
struct Spoken {
  std::vector<std::string> texts{"한글 a", "the end"};
  std::vector<CodeRows> codes{CodeRows(3, {1, 2, 3, 4}), CodeRows(3, {5, 6})};
  std::vector<std::vector<uint32_t>> alignments{{1, 2, 0, 4}, {1, 7}};

  Turn turn() const {
    Turn turn;
    turn.texts = texts;
    turn.codes = {&codes[0], &codes[1]};
    turn.alignments = {alignments[0], alignments[1]};
    return turn;
  }
};

TEST(Alignment, NamesTheTokensThatHoldTheCharacters) {
  const Spoken spoken;
  const Turn turn = spoken.turn();
  const Sample sample = pack_turn(turn, tokenizer());
  ASSERT_EQ(sample.alignment.columns, sample.tokens.columns);
  // Only the frames' positions, each one before its frame, have labels.
  const int64_t first = sample.tokens.columns - 7;
  std::vector<std::string> heard;
  for (int64_t column = 0; column < sample.tokens.columns; ++column) {
    const int64_t token = sample.alignment.at(0, column);
    if (column < first || column == sample.tokens.columns - 1) {
      EXPECT_EQ(token, kIgnoredLabel) << column;
      continue;
    }
    heard.push_back(token == kIgnoredLabel ? "" : tokenizer().id_to_token(token).value());
  }
  // Each is the token of the text's own that begins at or before the character.
  const auto token_at = [](const std::string& text, size_t byte) {
    size_t end = 0;
    for (const int64_t token :
         tokenizer().encode("<|im_start|>user\n" + text, text::SpecialTokens::parse)) {
      const std::string name = tokenizer().id_to_token(token).value();
      end += tokenizer().decode({token}).size() == name.size()
                 ? name.size()
                 : static_cast<size_t>(std::count_if(name.begin(), name.end(),
                                                     [](char c) { return (c & 0xC0) != 0x80; }));
      if (end > byte + 17) return name;
    }
    return std::string("none");
  };
  const std::string text = "한글 a the end";
  EXPECT_THAT(heard, ElementsAre(token_at(text, 0), token_at(text, 3), "", token_at(text, 7),
                                 token_at(text, 9), token_at(text, 15)));
}

TEST(Alignment, OfOtherFramesOrCharactersIsRefused) {
  Spoken spoken;
  spoken.alignments[0] = {1, 2, 5, 4};
  EXPECT_THAT(error_of([&] { pack_turn(spoken.turn(), tokenizer()); }),
              HasSubstr("an alignment names character 5 of a text of 4"));
  spoken.alignments[0] = {1, 2};
  EXPECT_THAT(error_of([&] { pack_turn(spoken.turn(), tokenizer()); }),
              HasSubstr("an alignment of 2 frames to 4 codes"));
  spoken.alignments[0] = {};  // not known
  EXPECT_EQ(pack_turn(spoken.turn(), tokenizer()).alignment.rows, 1);
}

TEST(Alignment, StandsWhereItsSampleStands) {
  const Spoken spoken;
  const Sample aligned = pack_turn(spoken.turn(), tokenizer());
  Turn plain = spoken.turn();
  plain.alignments.clear();
  const Sample other = pack_turn(plain, tokenizer());
  EXPECT_EQ(other.alignment.rows, 0);
  EXPECT_TRUE(pack_samples({other, other}, 100).alignment.empty());

  constexpr int64_t kMaxLength = 20;
  ASSERT_GT(other.tokens.columns, kMaxLength);
  const Batch batch = pack_samples({other, aligned}, kMaxLength);
  ASSERT_EQ(batch.alignment.size(), 2 * static_cast<size_t>(kMaxLength));
  for (int64_t column = 0; column < kMaxLength; ++column) {
    EXPECT_EQ(batch.alignment[static_cast<size_t>(column)], kIgnoredLabel);
    EXPECT_EQ(batch.alignment[static_cast<size_t>(kMaxLength + column)],
              aligned.alignment.at(0, column));
  }
}

}  // namespace
}  // namespace koi::dataset
