#include "koi/text/install_tokenizer.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"
#include "koi/text/byte_tokenizer.h"
#include "tests/support/temp_dir.h"

namespace koi::text {
namespace {

using testing::HasSubstr;
using testing::Optional;
using testing::ThrowsMessage;

class InstallTokenizer : public testing::Test {
 protected:
  void SetUp() override {
    base::make_folder(at / "from");
    base::make_folder(at / "to");
  }
  std::string read(const std::string& name) { return base::read_file(at / name); }
  test::TempDir at;
};

TEST_F(InstallTokenizer, AFileAloneGetsThePublishedCompanions) {
  base::write_file(at / "from/mine.json", byte_tokenizer_json({{"a", "b"}}));
  const Tokenizer tokenizer = install_tokenizer(at / "from/mine.json", at / "to");
  EXPECT_EQ(tokenizer.vocab_size(), kByteTokenizerSize + 1);
  EXPECT_THAT(tokenizer.eos_id(), Optional(1));
  EXPECT_EQ(read("to/tokenizer.json"), read("from/mine.json"));
  EXPECT_TRUE(base::fs::exists(at / "to/special_tokens_map.json"));
}

TEST_F(InstallTokenizer, CompanionsBesideItAreCopied) {
  write_byte_tokenizer(at / "from");
  base::write_file(at / "from/tokenizer_config.json", R"({"eos_token": "<|pad|>"})");
  EXPECT_THAT(install_tokenizer(at / "from", at / "to").eos_id(), Optional(2));
  EXPECT_EQ(read("to/tokenizer_config.json"), read("from/tokenizer_config.json"));
  EXPECT_EQ(read("to/special_tokens_map.json"), read("from/special_tokens_map.json"));
}

TEST_F(InstallTokenizer, WhatPromptsNeedMustBeThere) {
  const auto refuses = [&](const std::string& name, const char* says) {
    EXPECT_THAT([&] { install_tokenizer(at / name, at / "to"); },
                ThrowsMessage<Error>(HasSubstr(says)));
  };
  refuses("absent.json", "absent.json");
  base::write_file(at / "from/broken.json", "{");
  refuses("from/broken.json", "is no JSON");
  const std::string vocab = R"("<|im_start|>": 0, "<|im_end|>": 1)";
  base::write_file(at / "from/a.json",
                   R"({"model": {"type": "BPE", "merges": [], "vocab": {)" + vocab + "}}}");
  refuses("from/a.json", "has no token \"<|semantic|>\"");
  base::write_file(at / "from/b.json", R"({"model": {"type": "BPE", "merges": [], "vocab": {)" +
                                           vocab + R"(, "<|semantic|>": 2}}})");
  refuses("from/b.json", "names its eos_token");
}

}  // namespace
}  // namespace koi::text
