// Merges learnt from texts, and texts in the tokens that they make, against the `tokenizers`
// library 0.23 (tests/goldens/text/train): all equal, ties too.
#include <gmock/gmock.h>

#include "koi/base/files.h"
#include "koi/text/bpe_trainer.h"
#include "koi/text/tokenizer.h"
#include "tests/support/goldens.h"
#include "tests/support/temp_dir.h"

namespace koi::text {
namespace {

using nlohmann::json;

std::vector<std::string> texts() {
  std::vector<std::string> all;
  const json recorded = test::read_json(test::golden("text/tokenizer/texts.json"));
  for (const json& entry : recorded.at("cases")) all.push_back(entry.at("text"));
  return all;
}

TEST(TextTrain, LearnsTheLibrarysMerges) {
  KOI_REQUIRE_GOLDEN("text/train/trained.json");
  const std::vector<std::string> corpus = texts();
  WordCounts words;
  for (const std::string& text : corpus) words.add(text);
  const json cases = test::read_json(test::golden("text/train/trained.json")).at("cases");
  ASSERT_FALSE(cases.empty());
  for (const json& expected : cases) {
    SCOPED_TRACE(expected.at("vocab_size").dump());
    const LearntMerges learnt = learn_merges(
        words, {.vocab_size = expected.at("vocab_size"), .min_count = expected.at("min_count")});
    EXPECT_EQ(learnt.merges, expected.at("merges").get<std::vector<TokenMerge>>());
    EXPECT_EQ(learnt.vocab_size, expected.at("learnt").get<int64_t>());

    const test::TempDir folder;
    base::write_file(folder / "tokenizer.json", byte_tokenizer_json(learnt.merges));
    const Tokenizer tokenizer = Tokenizer::load(folder.path());
    EXPECT_EQ(tokenizer.vocab_size(), learnt.vocab_size);
    ASSERT_EQ(corpus.size(), expected.at("ids").size());
    uint64_t tokens = 0;
    for (size_t i = 0; i < corpus.size(); ++i) {
      const std::vector<int64_t> ids = tokenizer.encode(corpus[i]);
      EXPECT_EQ(ids, expected.at("ids")[i].get<std::vector<int64_t>>()) << corpus[i];
      EXPECT_EQ(tokenizer.decode(ids), corpus[i]);
      tokens += ids.size();
    }
    EXPECT_EQ(learnt.tokens, tokens);
  }
}

}  // namespace
}  // namespace koi::text
