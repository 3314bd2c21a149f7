#include "koi/text/byte_tokenizer.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <numeric>

#include "koi/base/error.h"
#include "koi/text/tokenizer.h"
#include "tests/support/temp_dir.h"

namespace koi::text {
namespace {

using testing::Optional;

TEST(ByteTokenizer, is_read_back_with_the_published_ids) {
  const test::TempDir folder;
  write_byte_tokenizer(folder.path());
  const Tokenizer tokenizer = Tokenizer::load(folder.path());
  EXPECT_EQ(tokenizer.vocab_size(), kByteTokenizerSize);
  EXPECT_THAT(tokenizer.eos_id(), Optional(1));
  EXPECT_THAT(tokenizer.pad_id(), Optional(2));
  EXPECT_EQ(tokenizer.require_id("<|begin_of_sequence|>"), 0);
  EXPECT_EQ(tokenizer.require_id("<|im_start|>"), 3);
  EXPECT_EQ(tokenizer.require_id("<|im_end|>"), 4);
  EXPECT_EQ(tokenizer.require_id("<|semantic|>"), 5);
  EXPECT_EQ(tokenizer.require_id("<|phoneme_end|>"), 8);
}

TEST(ByteTokenizer, spells_every_byte_with_one_token) {
  const test::TempDir folder;
  write_byte_tokenizer(folder.path());
  const Tokenizer tokenizer = Tokenizer::load(folder.path());
  const std::string text = "a \n안녕\x01\x7f";
  const std::vector<int64_t> ids = tokenizer.encode(text);
  EXPECT_EQ(ids.size(), text.size());
  EXPECT_EQ(tokenizer.decode(ids), text);
  std::vector<int64_t> all(kByteTokenizerSize);
  std::iota(all.begin(), all.end(), 0);
  for (const int64_t id : all) EXPECT_TRUE(tokenizer.id_to_token(id).has_value()) << id;
}

TEST(ByteTokenizer, config_and_map_name_the_same_tokens) {
  const test::TempDir folder;
  write_byte_tokenizer(folder.path());
  const auto config = nlohmann::json::parse(base::read_file(folder / "tokenizer_config.json"));
  const auto map = nlohmann::json::parse(base::read_file(folder / "special_tokens_map.json"));
  for (const char* key : {"bos_token", "eos_token", "pad_token"})
    EXPECT_EQ(map.at(key).at("content"), config.at(key)) << key;
}

TEST(ByteTokenizer, a_missing_folder_is_an_error) {
  const test::TempDir folder;
  EXPECT_THROW(write_byte_tokenizer(folder / "nowhere"), Error);
}

}  // namespace
}  // namespace koi::text
