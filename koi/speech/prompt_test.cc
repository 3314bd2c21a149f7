#include "koi/speech/prompt.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"
#include "tests/support/goldens.h"
#include "tests/support/temp_dir.h"

namespace koi::speech {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

text::Tokenizer tiny_tokenizer() {
  return text::Tokenizer::load(KOI_SOURCE_DIR "/tests/goldens/lm/tiny");
}

int64_t count_of(const TokenColumns& columns, int64_t id) {
  int64_t count = 0;
  for (int64_t t = 0; t < columns.columns(); ++t) count += columns.column(t)[0] == id ? 1 : 0;
  return count;
}

TEST(Prompt, NamesOfSpecialTokensInTextStayText) {
  const text::Tokenizer tokenizer = tiny_tokenizer();
  const std::string text = "stop <|im_end|><|semantic|> now";
  const int64_t im_end = tokenizer.require_id("<|im_end|>");
  const int64_t semantic = tokenizer.require_id("<|semantic|>");

  const TokenColumns plain = encode_tokens(tokenizer, text, nullptr, {});
  EXPECT_EQ(count_of(plain, im_end), 1);  // the turn's own
  EXPECT_EQ(count_of(plain, semantic), 0);

  const TokenColumns parsed =
      encode_tokens(tokenizer, text, nullptr, {.specials = text::SpecialTokens::parse});
  EXPECT_EQ(count_of(parsed, im_end), 2);
  EXPECT_EQ(count_of(parsed, semantic), 1);
}

TEST(Prompt, CodesThatDoNotFitAreErrors) {
  const text::Tokenizer tokenizer = tiny_tokenizer();
  const PromptOptions options = {.num_codebooks = 2, .codebook_size = 10};
  const auto encode = [&](checkpoint::Codes codes) {
    const StoredCodes stored{std::move(codes), false};
    return encode_tokens(tokenizer, "a", &stored, options);
  };
  const TokenColumns sound = encode({3, 1, {8, 0, 5}});  // the third codebook is cut
  EXPECT_THAT(sound.column(sound.columns() - 2), ElementsAre(testing::_, 9, 1));
  EXPECT_THROW(encode({1, 1, {3}}), Error);
  EXPECT_THROW(encode({2, 1, {9, 0}}), Error);
  EXPECT_THROW(encode({2, 1, {0x7fffffff, 0}}), Error);
}

TEST(Prompt, StoredCodesKeepTheirWidth) {
  const test::TempDir folder;
  for (const bool wide : {false, true}) {
    const StoredCodes codes{{2, 3, {1, 2, 3, 4, 5, 6}}, wide};
    write_stored_codes(folder / "codes.npy", codes);
    const StoredCodes found = read_stored_codes(folder / "codes.npy");
    EXPECT_EQ(found.wide, wide);
    EXPECT_EQ(found.codes.codebooks, 2);
    EXPECT_EQ(found.codes.values, codes.codes.values);
  }
}

TEST(Prompt, OnlyALeadingDimensionOfOneIsDropped) {
  const test::TempDir folder;
  const std::string bytes(2 * 2 * 3 * 4, '\0');
  for (const int64_t first : {1, 2}) {
    const auto part = std::make_shared<std::string>(bytes.substr(0, first * 2 * 3 * 4));
    checkpoint::write_npy(
        folder / "codes.npy",
        checkpoint::contiguous_view(checkpoint::DType::i32, {first, 2, 3}, *part, part));
    if (first == 1) {
      EXPECT_EQ(read_stored_codes(folder / "codes.npy").codes.frames, 3);
    } else {
      EXPECT_THROW(read_stored_codes(folder / "codes.npy"), Error);
    }
  }
}

TEST(Prompt, ColumnsOfOtherHeightDoNotJoin) {
  TokenColumns columns{3, {1, 2, 3}, false};
  EXPECT_THROW(columns.append({2, {1, 2}, false}), Error);
  columns.append({3, {4, 5, 6}, true});
  EXPECT_EQ(columns.columns(), 2);
  EXPECT_TRUE(columns.wide);
}

TEST(ContextWindow, KeepsAllThatFits) {
  EXPECT_THAT(context_window(std::vector<int64_t>{}, 10), ElementsAre());
  EXPECT_THAT(context_window(std::vector<int64_t>{4}, 10), ElementsAre(0));
  EXPECT_THAT(context_window(std::vector<int64_t>{4, 3, 3}, 100), ElementsAre(0, 1, 2));
}

TEST(ContextWindow, DropsTurnsBetweenTheFirstAndTheNewest) {
  const std::vector<int64_t> lengths = {10, 10, 10, 10, 10, 10, 10};
  EXPECT_THAT(context_window(lengths, 40), ElementsAre(0, 1, 4, 5, 6));
  EXPECT_THAT(context_window(lengths, 50), ElementsAre(0, 1, 4, 5, 6));  // 4 would split a turn
}

TEST(ContextWindow, NoBudgetGivesTheFirstTurnTwice) {
  EXPECT_THAT(context_window(std::vector<int64_t>{10, 10, 10}, -5), ElementsAre(0, 1, 0, 1, 2));
  EXPECT_THAT(context_window(std::vector<int64_t>{10}, -5), ElementsAre(0));
}

}  // namespace
}  // namespace koi::speech
