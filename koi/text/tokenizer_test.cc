#include "koi/text/tokenizer.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "koi/base/error.h"
#include "koi/text/byte_tokenizer.h"
#include "tests/support/temp_dir.h"

namespace koi::text {
namespace {

using Ids = std::vector<int64_t>;
using Json = nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// Letters, two merges and two special tokens; what a test needs otherwise it changes itself.
Json small_tokenizer() {
  return Json::parse(R"({
    "added_tokens": [{"id": 9, "content": "<end>", "special": true},
                     {"id": 10, "content": "<x>", "special": true}],
    "model": {"vocab": {"a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4, "<": 5, ">": 6, "e": 7, "x": 8},
              "merges": ["a b", "ab c"]}})");
}

class TokenizerTest : public testing::Test {
 protected:
  Tokenizer load(const Json& json) { return load(json.dump()); }
  Tokenizer load(const std::string& text) {
    base::write_file(folder_ / "tokenizer.json", text);
    return Tokenizer::load(folder_.path());
  }
  // The error that loading gives; its kind must be `kind`.
  std::string error_of(const std::string& text, ErrorKind kind) {
    try {
      load(text);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "accepted: " << text;
    return {};
  }
  // The same after setting `pointer` to `value`.
  std::string error_with(const std::string& pointer, const std::string& value, ErrorKind kind) {
    Json json = small_tokenizer();
    json[Json::json_pointer(pointer)] = Json::parse(value);
    return error_of(json.dump(), kind);
  }

  test::TempDir folder_;
};

TEST_F(TokenizerTest, merges_by_rank) {
  const Tokenizer tokenizer = load(small_tokenizer());
  EXPECT_THAT(tokenizer.encode("abcab"), ElementsAre(4, 3));
  EXPECT_THAT(tokenizer.encode("bca"), ElementsAre(1, 2, 0));
  EXPECT_THAT(tokenizer.encode(""), ElementsAre());
}

TEST_F(TokenizerTest, specials_in_a_users_text_stay_text) {
  Json json = small_tokenizer();
  const Tokenizer tokenizer = load(json);
  EXPECT_THAT(tokenizer.encode("a<x>"), ElementsAre(0, 5, 8, 6));
  EXPECT_THAT(tokenizer.encode("a<x>", SpecialTokens::parse), ElementsAre(0, 10));
  // Neither a merge nor the whole-piece look-up may bring them in.
  json["model"]["vocab"]["<x"] = 11;
  json["model"]["vocab"]["<x>"] = 10;
  json["model"]["merges"] = {"< x", "<x >"};
  json["model"]["ignore_merges"] = true;
  EXPECT_THAT(load(json).encode("<x>"), ElementsAre(11, 6));
}

TEST_F(TokenizerTest, parts_are_encoded_as_one_text) {
  const Tokenizer tokenizer = load(small_tokenizer());
  EXPECT_THAT(tokenizer.encode({{"<x>a", SpecialTokens::parse}, {"b<x>"}, {"c"}}),
              ElementsAre(10, 3, 5, 8, 6, 2));
  // No special token out of two parts.
  EXPECT_THAT(tokenizer.encode({{"<x", SpecialTokens::parse}, {">", SpecialTokens::parse}}),
              ElementsAre(5, 8, 6));
}

TEST_F(TokenizerTest, decoding_drops_unknown_ids_and_skips_specials) {
  test::TempDir folder;
  write_byte_tokenizer(folder.path());
  const Tokenizer tokenizer = Tokenizer::load(folder.path());
  Ids ids = tokenizer.encode("é");
  ids.insert(ids.begin() + 1, {4, -1, 1'000'000'000'000});
  EXPECT_EQ(tokenizer.decode(ids, DecodeSpecials::skip), "é");
  EXPECT_EQ(tokenizer.decode(ids), "\uFFFD<|im_end|>\uFFFD");
}

TEST_F(TokenizerTest, invalid_utf8_is_an_error) {
  const Tokenizer tokenizer = load(small_tokenizer());
  for (const char* text : {"\xff", "a\xc3", "\xed\xa0\x80", "\xc0\x80"})
    EXPECT_THROW(tokenizer.encode(text), Error) << text;
  // Two halves of a character are whole when the parts are joined.
  EXPECT_NO_THROW(tokenizer.encode({{"\xc3"}, {"\xa9"}}));
}

TEST_F(TokenizerTest, broken_files_are_refused) {
  EXPECT_THAT(error_of("{\"model\": ", ErrorKind::corrupt), HasSubstr("is no JSON"));
  EXPECT_THAT(error_of("[]", ErrorKind::corrupt), HasSubstr("is no object"));
  EXPECT_THAT(error_of("{}", ErrorKind::corrupt), HasSubstr("lacks \"model\""));
  EXPECT_THAT(error_with("/model/vocab/b", "0", ErrorKind::corrupt), HasSubstr("the id 0 twice"));
  EXPECT_THAT(error_with("/model/vocab/b", "-1", ErrorKind::corrupt), HasSubstr("no token id"));
  EXPECT_THAT(error_with("/model/vocab/b", "5000000000", ErrorKind::corrupt),
              HasSubstr("no token id"));
  EXPECT_THAT(error_with("/model/merges", R"(["a  b"])", ErrorKind::corrupt), HasSubstr("pair"));
  EXPECT_THAT(error_with("/model/merges", R"([["a", "q"]])", ErrorKind::corrupt),
              AllOf(HasSubstr("model.merges[0]"), HasSubstr("\"q\"")));
  EXPECT_THAT(error_with("/model/unk_token", "\"q\"", ErrorKind::corrupt), HasSubstr("unk_token"));
  EXPECT_THAT(error_with("/added_tokens/0/id", "3", ErrorKind::corrupt), HasSubstr("\"<end>\""));
  EXPECT_THAT(error_with("/added_tokens/0/content", "\"\"", ErrorKind::corrupt),
              HasSubstr("empty token"));
}

TEST_F(TokenizerTest, what_is_not_known_is_refused_by_name) {
  const auto refuses = [&](const std::string& pointer, const std::string& value,
                           const std::string& name) {
    const std::string error = error_with(pointer, value, ErrorKind::unsupported);
    EXPECT_THAT(error, AllOf(HasSubstr(name), HasSubstr("tokenizer.json")));
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  };
  refuses("/model/type", "\"Unigram\"", "Unigram");
  refuses("/model/dropout", "0.1", "dropout");
  refuses("/model/end_of_word_suffix", "\"</w>\"", "end_of_word_suffix");
  refuses("/model/new_setting", "1", "new_setting");
  refuses("/version", "\"2.0\"", "version");
  refuses("/normalizer", R"({"type": "Lowercase"})", "Lowercase");
  refuses("/pre_tokenizer", R"({"type": "Whitespace"})", "Whitespace");
  refuses("/pre_tokenizer",
          R"j({"type": "Split", "pattern": {"Regex": "(?<n>a)"}, "behavior": "Isolated"})j",
          "(?<n");
  refuses("/pre_tokenizer",
          R"({"type": "Split", "pattern": {"Regex": "(a"}, "behavior": "Isolated"})", "(a");
  refuses("/pre_tokenizer",
          R"({"type": "Split", "pattern": {"Regex": "a*"}, "behavior": "Isolated"})", "empty text");
  refuses("/pre_tokenizer", R"({"type": "Split", "pattern": {"String": "a"}, "behavior": "Odd"})",
          "Odd");
  // Patterns that PCRE2 would read in another way than the library that the files are made for.
  for (const char* foreign :
       {"a{2}+", "a{2}?", "a{,2}", "(*UTF)a", "[]a]", "[a[b]]", "[a&&b]", R"(\h)"}) {
    const Json split = {
        {"type", "Split"}, {"behavior", "Isolated"}, {"pattern", {{"Regex", foreign}}}};
    refuses("/pre_tokenizer", split.dump(), "in the pattern");
  }
  refuses("/decoder", R"({"type": "CTC"})", "CTC");
  // Inside of a list, and settings that are newer than the file's version says.
  refuses("/normalizer",
          R"({"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "BertNormalizer"}]})",
          "BertNormalizer");
  refuses("/pre_tokenizer",
          R"({"type": "Sequence", "pretokenizers": [{"type": "UnicodeScripts"}]})",
          "UnicodeScripts");
  refuses("/decoder", R"({"type": "Sequence", "decoders": [{"type": "WordPiece"}]})", "WordPiece");
  refuses("/normalizer", R"({"type": "NFC", "new_setting": 1})", "new_setting");
  refuses("/pre_tokenizer", R"({"type": "ByteLevel", "new_setting": 1})", "new_setting");
  refuses("/decoder", R"({"type": "ByteLevel", "new_setting": 1})", "new_setting");
  refuses("/pre_tokenizer",
          R"({"type": "Metaspace", "replacement": "_", "prepend_scheme": "sometimes"})",
          "sometimes");
  refuses("/added_tokens/0/new_flag", "true", "new_flag");
  refuses("/new_section", "{}", "new_section");
}

// Whatever a post-processor puts around a text is never asked for.
TEST_F(TokenizerTest, post_processors_change_nothing) {
  Json json = small_tokenizer();
  const auto plain = load(json).encode("abcab");
  for (const char* type : {"TemplateProcessing", "ByteLevel", "RobertaProcessing", "Newer"}) {
    json["post_processor"] = {{"type", type}};
    EXPECT_EQ(load(json).encode("abcab"), plain) << type;
  }
}

// Where a text begins is known only before anything was put in front of it.
TEST_F(TokenizerTest, metaspace_first_is_refused_where_the_start_may_have_moved) {
  const Json first = {{"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", "first"}};
  Json json = small_tokenizer();
  json["pre_tokenizer"] = first;
  EXPECT_NO_THROW(load(json));
  json["normalizer"] = {{"type", "Strip"}};
  EXPECT_THAT(error_of(json.dump(), ErrorKind::unsupported), HasSubstr("Strip"));
  json.erase("normalizer");
  json["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", {first}}};
  EXPECT_THAT(error_of(json.dump(), ErrorKind::unsupported), HasSubstr("in a Sequence"));
}

TEST_F(TokenizerTest, a_pattern_that_backtracks_without_end_is_stopped) {
  Json json = small_tokenizer();
  json["pre_tokenizer"] = {
      {"type", "Split"}, {"pattern", {{"Regex", "(?:a|a)+[bc]"}}}, {"behavior", "Isolated"}};
  EXPECT_THROW(load(json).encode(std::string(60, 'a')), Error);
}

TEST_F(TokenizerTest, deep_sequences_do_not_exhaust_the_stack) {
  std::string deep = R"({"type": "NFC"})";
  for (int i = 0; i < 5'000; ++i) deep = R"({"type":"Sequence","normalizers":[)" + deep + "]}";
  EXPECT_THAT(error_of(R"({"normalizer":)" + deep + R"(,"model":{"vocab":{},"merges":[]}})",
                       ErrorKind::unsupported),
              HasSubstr("Sequence this deep"));
}

TEST_F(TokenizerTest, config_names_eos_and_pad) {
  const auto with_config = [&](const std::string& config) {
    base::write_file(folder_ / "tokenizer_config.json", config);
    return load(small_tokenizer());
  };
  const Tokenizer tokenizer =
      with_config(R"({"eos_token": {"content": "<end>"}, "tokenizer_class": "Any"})");
  EXPECT_EQ(tokenizer.eos_id(), 9);
  EXPECT_EQ(tokenizer.pad_id(), std::nullopt);
  EXPECT_THROW(with_config(R"({"eos_token": "<none>"})"), Error);
  EXPECT_THROW(with_config("{"), Error);
}

TEST_F(TokenizerTest, names_are_looked_up_exactly) {
  const Tokenizer tokenizer = load(small_tokenizer());
  EXPECT_EQ(tokenizer.token_to_id("abc"), 4);
  EXPECT_EQ(tokenizer.token_to_id("nope"), std::nullopt);
  EXPECT_EQ(tokenizer.id_to_token(10), "<x>");
  EXPECT_EQ(tokenizer.id_to_token(11), std::nullopt);
  try {
    tokenizer.require_id("<|semantic|>");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("tokenizer.json"), HasSubstr("<|semantic|>")));
  }
}

TEST_F(TokenizerTest, missing_files_and_newer_checkpoints_are_told_apart) {
  const auto error_at = [](const base::fs::path& path) -> std::string {
    try {
      Tokenizer::load(path);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(error_at(folder_.path()), HasSubstr("no such file"));
  base::write_file(folder_ / "tokenizer.tiktoken", "IQ== 0\n");
  EXPECT_THAT(error_at(folder_.path()), AllOf(HasSubstr("1.5"), HasSubstr("S1")));
}

// Merging is O(n log n): a quadratic loop would take hours here.
TEST_F(TokenizerTest, long_texts_take_no_quadratic_time) {
  Json json = small_tokenizer();
  json["model"]["vocab"] = {{"a", 0}, {"aa", 1}, {"aaaa", 2}, {" ", 3}, {"\u0301", 4}, {"<", 5}};
  json["model"]["merges"] = {"a a", "aa aa"};
  json["normalizer"] = {{"type", "NFC"}};
  const Tokenizer tokenizer = load(json);
  constexpr size_t kLength = 1'000'000;
  EXPECT_EQ(tokenizer.encode(std::string(kLength, 'a')).size(), kLength / 4);
  EXPECT_EQ(tokenizer.encode(std::string(kLength, '<')).size(), kLength);
  // Combining marks in the wrong order, which a naive canonical ordering bubbles through.
  std::string marks;
  for (size_t i = 0; i < kLength / 8; ++i) marks += "\u0301\u0323";
  EXPECT_EQ(tokenizer.encode(marks).size(), kLength / 8);
}

TEST_F(TokenizerTest, long_runs_through_the_patterns_take_no_quadratic_time) {
  test::TempDir folder;
  write_byte_tokenizer(folder.path());
  const Tokenizer tokenizer = Tokenizer::load(folder.path());
  for (const char* unit : {" ", "\n", "a", "1", "'", "' "}) {
    std::string text;
    while (text.size() < 500'000) text += unit;
    EXPECT_EQ(tokenizer.encode(text).size(), text.size()) << unit;
  }
}

}  // namespace
}  // namespace koi::text
