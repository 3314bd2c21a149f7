// Training samples and batches against the reference (fish-speech v1.4.3, tokenizers 0.23.3).
// Integers are equal or wrong; there is no tolerance.
#include <gtest/gtest.h>

#include <map>

#include "koi/base/error.h"
#include "koi/dataset/sample.h"
#include "koi/text/clean.h"
#include "koi/text/tokenizer.h"
#include "tests/support/goldens.h"

namespace koi::dataset {
namespace {

using nlohmann::json;

TokenMatrix matrix(const json& rows) {
  TokenMatrix out(static_cast<int64_t>(rows.size()), static_cast<int64_t>(rows.at(0).size()), 0);
  for (int64_t row = 0; row < out.rows; ++row) {
    for (int64_t column = 0; column < out.columns; ++column)
      out.at(row, column) = rows[static_cast<size_t>(row)][static_cast<size_t>(column)];
  }
  return out;
}

Sample sample_of(const json& pack) {
  return {matrix(pack.at("tokens")), matrix(pack.at("labels"))};
}

TEST(PromptParity, PackSentences) {
  KOI_REQUIRE_GOLDEN("text/prompt/pack_sentences.json");
  const json file = test::read_json(test::golden("text/prompt/pack_sentences.json"));
  const auto tokenizer =
      text::Tokenizer::load(test::golden("text/" + file.at("tokenizer").get<std::string>()));
  ASSERT_FALSE(file.at("cases").empty());
  for (const json& expected : file["cases"]) {
    SCOPED_TRACE(expected.at("raw").dump());
    Turn turn;
    turn.specials = text::SpecialTokens::parse;
    for (size_t i = 0; i < expected["raw"].size(); ++i) {
      turn.texts.push_back(text::clean_text(expected["raw"][i].get<std::string>()));
      EXPECT_EQ(turn.texts.back(), expected.at("cleaned").at(i));
      EXPECT_EQ(tokenizer.encode(turn.texts.back(), turn.specials).size(),
                expected.at("token_lengths").at(i));
    }
    const auto codes = expected.at("semantics").get<std::vector<CodeRows>>();
    for (const CodeRows& rows : codes) turn.codes.push_back(&rows);
    if (!expected.at("speaker").is_null()) turn.speaker = expected["speaker"];
    turn.skip_text = expected.at("skip_text");
    if (!expected.at("num_codebooks").is_null()) turn.num_codebooks = expected["num_codebooks"];
    const Sample wanted = sample_of(expected);
    const Sample found = pack_turn(turn, tokenizer);
    EXPECT_EQ(found.tokens, wanted.tokens);
    EXPECT_EQ(found.labels, wanted.labels);
  }
}

// All values of nested arrays, in order.
std::vector<int64_t> flat(const json& nested) {
  if (!nested.is_array()) return {nested.is_boolean() ? nested.get<bool>() : nested.get<int64_t>()};
  std::vector<int64_t> all;
  for (const json& part : nested) {
    const std::vector<int64_t> more = flat(part);
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

TEST(PromptParity, Collate) {
  KOI_REQUIRE_GOLDEN("text/prompt/collate.json");
  const json cases = test::read_json(test::golden("text/prompt/collate.json")).at("cases");
  std::map<json, std::vector<Sample>> packs;  // of each pack_group, given once
  for (const json& expected : cases) {
    const json& group = expected.at("pack_group");
    SCOPED_TRACE(group.dump() + " " + expected.at("max_length").dump());
    if (!expected.at("packs").is_null()) {
      for (const json& pack : expected["packs"]) packs[group].push_back(sample_of(pack));
    }
    // What fills up row 0 is the tokenizer's end-of-sequence token: it stands where there is
    // padding.
    int64_t pad_token = 0;
    const json& masks = expected.at("attention_masks");
    for (size_t b = 0; b < masks.size(); ++b) {
      if (flat(masks[b].back()).at(0) == 1) pad_token = expected.at("inputs")[b][0].back();
    }
    const Batch batch = collate(packs.at(group), {expected["max_length"], pad_token});
    EXPECT_EQ(batch.tokens, flat(expected["inputs"]));
    EXPECT_EQ(batch.labels, flat(expected.at("labels")));
    EXPECT_EQ((std::vector<int64_t>(batch.attention_mask.begin(), batch.attention_mask.end())),
              flat(masks));
    EXPECT_EQ(batch.size, static_cast<int64_t>(expected["inputs"].size()));
    EXPECT_EQ(batch.rows, static_cast<int64_t>(expected["inputs"][0].size()));
    EXPECT_EQ(batch.columns, static_cast<int64_t>(masks[0].size()));
  }
  EXPECT_FALSE(packs.empty());
}

}  // namespace
}  // namespace koi::dataset
