#include "koi/lm/config.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"

namespace koi::lm {
namespace {

using testing::HasSubstr;

// A config that is sound but for `fields`, which come last and so win.
ModelConfig parse(const std::string& fields) {
  return parse_config("{" + fields + "}", "config.json");
}

std::string refusal(const std::string& fields) {
  try {
    parse(fields);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(ModelConfig, AbsentKeysTakeTheReferencesDefaults) {
  const ModelConfig config = parse("");
  EXPECT_EQ(config.vocab_size, 32000);
  EXPECT_EQ(config.n_layer, 32);
  EXPECT_EQ(config.max_seq_len, 2048);
  EXPECT_EQ(config.codebook_size, 160);
  EXPECT_EQ(config.num_codebooks, 4);
  EXPECT_EQ(config.n_fast_layer, 4);
  EXPECT_EQ(config.rope_base, 10000);
  EXPECT_TRUE(config.tie_word_embeddings);
  EXPECT_FALSE(config.attention_qkv_bias);
  const BlockSizes sizes = slow_sizes(config);
  EXPECT_EQ(sizes.dim, 4096);
  EXPECT_EQ(sizes.n_local_heads, 32);
  EXPECT_EQ(sizes.head_dim, 128);
  EXPECT_EQ(sizes.intermediate_size, 11008);  // 2*4*4096/3 = 10922, the next multiple of 256
  EXPECT_EQ(sizes.qkv_dim(), 3 * 4096);
}

TEST(ModelConfig, FastPartIsAsTheSlowOneUnlessSaidOtherwise) {
  const std::string slow = R"("dim": 64, "n_head": 4, "n_local_heads": 2, "intermediate_size": 96,
      "attention_qkv_bias": true)";
  const BlockSizes same = fast_sizes(parse(slow + R"(, "fast_dim": null)"));
  EXPECT_EQ(same.dim, 64);
  EXPECT_EQ(same.n_head, 4);
  EXPECT_EQ(same.n_local_heads, 2);
  EXPECT_EQ(same.intermediate_size, 96);
  EXPECT_TRUE(same.qkv_bias);
  const BlockSizes other = fast_sizes(parse(
      slow + R"(, "fast_dim": 48, "fast_n_head": 6, "fast_n_local_heads": 3, "fast_head_dim": 999,
      "head_dim": 999, "fast_intermediate_size": 40, "fast_attention_qkv_bias": false)"));
  EXPECT_EQ(other.dim, 48);
  EXPECT_EQ(other.head_dim, 8);
  EXPECT_EQ(other.qkv_dim(), 96);
  EXPECT_EQ(other.intermediate_size, 40);
  EXPECT_FALSE(other.qkv_bias);
}

TEST(ModelConfig, WhatIsWrittenIsReadBack) {
  const ModelConfig config = parse(R"("dim": 64, "n_head": 4, "fast_dim": 32, "dropout": 0.25)");
  const std::string json = config_json(config);
  EXPECT_EQ(config_json(parse_config(json, "x")), json);
  EXPECT_THAT(json, HasSubstr("\"fast_head_dim\": 8"));
}

TEST(ModelConfig, RefusesWhatNoModelHas) {
  EXPECT_THAT(refusal(R"("dimm": 64)"), HasSubstr("config.json: key \"dimm\" is unknown"));
  EXPECT_THAT(refusal(R"("dim": "64")"), HasSubstr("\"64\", an integer was expected"));
  EXPECT_THAT(refusal(R"("dim": 64.5)"), HasSubstr("an integer was expected"));
  EXPECT_THAT(refusal(R"("dim": 18446744073709551615)"), HasSubstr("an integer was expected"));
  EXPECT_THAT(refusal(R"("dim": 9223372036854775807)"), HasSubstr("expected 1 to"));
  EXPECT_THAT(refusal(R"("tie_word_embeddings": 1)"), HasSubstr("true or false was expected"));
  EXPECT_THAT(refusal(R"("dim": 100)"), HasSubstr("even multiple of n_head 32"));
  EXPECT_THAT(refusal(R"("dim": 96)"), HasSubstr("even multiple of n_head 32"));  // odd head_dim
  EXPECT_THAT(refusal(R"("n_local_heads": 5)"), HasSubstr("does not divide n_head 32"));
  EXPECT_THAT(refusal(R"("n_head": 0)"), HasSubstr("\"n_head\" is 0"));
  EXPECT_THAT(refusal(R"("fast_n_head": 0)"), HasSubstr("\"fast_n_head\" is 0"));
  EXPECT_THAT(refusal(R"("n_layer": 1000000000)"), HasSubstr("\"n_layer\" is 1000000000"));
  EXPECT_THAT(refusal(R"("max_seq_len": 1000000000)"), HasSubstr("max_seq_len"));
  EXPECT_THAT(refusal(R"("num_codebooks": 0)"), HasSubstr("num_codebooks"));
  EXPECT_THAT(refusal(R"("dropout": 1)"), HasSubstr("0 to below 1"));
  EXPECT_THAT(refusal(R"("rope_base": 0)"), HasSubstr("rope_base"));
  EXPECT_THAT(refusal(R"("model_type": "naive")"), HasSubstr("koi knows only \"dual_ar\""));
  EXPECT_THAT(refusal(R"("is_reward_model": true)"), HasSubstr("koi knows only false"));
  EXPECT_THROW(parse_config("[1]", "x"), Error);
  EXPECT_THROW(parse_config("{\"dim\": 64", "x"), Error);
}

}  // namespace
}  // namespace koi::lm
