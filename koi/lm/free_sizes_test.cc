#include "koi/lm/free_sizes.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"
#include "koi/lm/presets.h"

namespace koi::lm {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(FreeSizes, AbsentKeysAreThePresets) {
  for (const char* name : {"tiny", "fish-speech-1.4"}) {
    const std::string_view preset = preset_json(name);
    EXPECT_EQ(config_json(sized_config(preset, {})), config_json(parse_config(preset, name)));
  }
}

TEST(FreeSizes, GivenKeysTakeTheirPlace) {
  const ModelConfig config = sized_config(
      preset_json("tiny"),
      {.keys = R"({"dim": 96, "n_head": 6, "n_local_heads": 3, "n_layer": 3, "n_fast_layer": 1,
                   "fast_dim": 32, "fast_n_head": 2, "fast_n_local_heads": 1, "head_dim": 16,
                   "tie_word_embeddings": true, "dropout": 0.1, "max_seq_len": 512})"});
  EXPECT_EQ(config.dim, 96);
  EXPECT_EQ(config.n_layer, 3);
  EXPECT_EQ(config.fast_dim, 32);
  EXPECT_TRUE(config.tie_word_embeddings);
  EXPECT_EQ(config.max_seq_len, 512);
  EXPECT_EQ(config.intermediate_size, 192);
  EXPECT_EQ(config.vocab_size, 265);
  EXPECT_EQ(config.codebook_size, 1024);
}

TEST(FreeSizes, CountsFollowTokenizerAndCodec) {
  const FreeSizes sizes{.tokenizer_size = 512, .codebooks = 4, .codes = 64, .presets_codec = false};
  const ModelConfig config = sized_config(preset_json("tiny"), sizes);
  EXPECT_EQ(config.vocab_size, 512);
  EXPECT_EQ(config.num_codebooks, 4);
  EXPECT_EQ(config.codebook_size, 65);
  FreeSizes larger = sizes;
  larger.keys = R"({"vocab_size": 1000})";
  EXPECT_EQ(sized_config(preset_json("tiny"), larger).vocab_size, 1000);
}

TEST(FreeSizes, EntriesAboveAThousandCodesAreNoHarm) {
  FreeSizes sizes{.keys = R"({"codebook_size": 2048})"};
  EXPECT_EQ(sized_config(preset_json("tiny"), sizes).codebook_size, 2048);
  sizes.keys = R"({"codebook_size": 1000})";
  EXPECT_THROW(sized_config(preset_json("tiny"), sizes), Error);
  sizes.keys = "{}";
  sizes.codes = 999;
  EXPECT_THROW(sized_config(preset_json("tiny"), sizes), Error);
}

TEST(FreeSizes, WhatDoesNotFitIsNamed) {
  for (const auto& [keys, says] : std::vector<std::pair<std::string, std::string>>{
           {R"({"dim": 100, "n_head": 7})", "my.yaml: key \"dim\" is 100, expected an even"},
           {R"({"n_head": 4, "n_local_heads": 3})", "\"n_local_heads\" is 3, which does not"},
           {R"({"head_dim": 32})", "\"head_dim\" is 32, dim / n_head is 16"},
           {R"({"fast_head_dim": 8})", "\"fast_head_dim\" is 8, dim / n_head is 16"},
           {R"({"num_codebooks": 8})", "\"num_codebooks\" is 8, the codec has 4"},
           {R"({"codebook_size": 64})", "\"codebook_size\" is 64, the codec's 64 codes take 65"},
           {R"({"codebook_size": 66})", "\"codebook_size\" is 66, the codec's 64 codes take 65"},
           {R"({"vocab_size": 511})", "\"vocab_size\" is 511, the tokenizer has 512 entries"},
           {R"({"dims": 64})", "\"dims\" is unknown"},
           {R"({"dim": "64"})", "\"dim\" is \"64\", an integer was expected"},
           {R"({"dim": null})", "\"dim\" is null"},
           {R"([1])", "my.yaml: is no list of keys"}}) {
    const FreeSizes sizes{.keys = keys,
                          .where = "my.yaml",
                          .tokenizer_size = 512,
                          .codebooks = 4,
                          .codes = 64,
                          .presets_codec = false};
    EXPECT_THAT([&] { sized_config(preset_json("tiny"), sizes); },
                ThrowsMessage<Error>(HasSubstr(says)))
        << keys;
  }
}

}  // namespace
}  // namespace koi::lm
