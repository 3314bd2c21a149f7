// The tokenizer gives the ids and texts of the `tokenizers` library 0.23 (recorded; see
// tests/goldens/text/tokenizer). Ids and strings: equal or wrong, no tolerance.
#include <gmock/gmock.h>

#include <map>
#include <sstream>

#include "koi/base/error.h"
#include "koi/base/utf8.h"
#include "koi/text/byte_level.h"
#include "koi/text/tokenizer.h"
#include "tests/support/goldens.h"

namespace koi::text {
namespace {

using Json = nlohmann::json;
using Ids = std::vector<int64_t>;
using testing::Optional;

constexpr char kFolder[] = "text/tokenizer/";

// The tokenizers of the set: all folders that hold `file` of recorded cases.
std::vector<std::string> recorded_tokenizers(const std::string& file) {
  std::vector<std::string> names;
  for (const auto& entry : base::fs::directory_iterator(test::golden(kFolder)))
    if (base::fs::exists(entry.path() / "tokenizer.json") && base::fs::exists(entry.path() / file))
      names.push_back(entry.path().filename());
  if (names.empty()) test::report_absent(kFolder + ("a tokenizer with its " + file));
  return names;
}

Json cases_of(const base::fs::path& file) {
  Json cases = test::read_json(file).at("cases");
  EXPECT_FALSE(cases.empty()) << file;
  return cases;
}

std::map<int64_t, std::string> recorded_texts() {
  std::map<int64_t, std::string> texts;
  for (const Json& c : cases_of(test::golden(std::string(kFolder) + "texts.json")))
    texts.emplace(c.at("id").get<int64_t>(), c.at("text").get<std::string>());
  return texts;
}

// The file holds lone surrogates, which are no JSON text: their escapes are kept as they stand.
Json read_summary() {
  std::string text = base::read_file(test::golden("text/tokenizer/summary.json"));
  for (size_t at = text.find("\\ud"); at != std::string::npos; at = text.find("\\ud", at + 2))
    text.insert(at, "\\");
  Json summary = Json::parse(text);
  EXPECT_FALSE(summary.empty());
  return summary;
}

// "a\udfff" with the escapes written out as bytes, surrogates as if they were characters.
std::string with_surrogates(const std::string& escaped) {
  std::string out;
  for (size_t i = 0; i < escaped.size();) {
    if (escaped.compare(i, 2, "\\u") == 0) {
      base::append_utf8(out,
                        static_cast<char32_t>(std::stoul(escaped.substr(i + 2, 4), nullptr, 16)));
      i += 6;
    } else {
      out += escaped[i++];
    }
  }
  return out;
}

void expect_recorded_encodings(const Tokenizer& tokenizer, const base::fs::path& file) {
  const std::map<int64_t, std::string> texts = recorded_texts();
  for (const Json& c : cases_of(file)) {
    const std::string& text = texts.at(c.at("id").get<int64_t>());
    const Ids ids = c.at("ids").get<Ids>();
    EXPECT_EQ(tokenizer.encode(text, SpecialTokens::parse), ids) << file << " " << c;
    const std::string kept = c.value("dec", text);
    EXPECT_EQ(tokenizer.decode(ids, DecodeSpecials::keep), kept) << file << " " << c;
    EXPECT_EQ(tokenizer.decode(ids, DecodeSpecials::skip), c.value("dec_skip", kept))
        << file << " " << c;
  }
}

TEST(TokenizerParity, encodes_and_decodes_the_recorded_texts) {
  KOI_REQUIRE_GOLDEN("text/tokenizer/texts.json");
  for (const std::string& name : recorded_tokenizers("encode.json")) {
    const base::fs::path folder = test::golden(kFolder + name);
    expect_recorded_encodings(Tokenizer::load(folder), folder / "encode.json");
  }
}

// The same tokenizer as older libraries wrote it: merges as one string, newer keys absent.
TEST(TokenizerParity, reads_the_legacy_form) {
  KOI_REQUIRE_GOLDEN("text/tokenizer/texts.json");
  for (const test::NamedPart& legacy : test::find_goldens("text/tokenizer", "(.+)_legacy")) {
    const std::string cases = kFolder + legacy.groups.at(0) + "/encode.json";
    if (!test::have_golden(cases)) continue;
    expect_recorded_encodings(Tokenizer::load(test::golden(kFolder + legacy.name)),
                              test::golden(cases));
  }
}

// The bytes of a base64 text (RFC 4648).
std::string from_base64(const std::string& text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    bits = bits << 6 | static_cast<uint32_t>(kDigits.find(c));
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xFFU);
  }
  return out;
}

// tiktoken keeps specials in a text as plain text when told to, and the set has its pieces for the
// same vocabulary in the form of tokenizer.json (fish15): SpecialTokens::plain gives these.
TEST(TokenizerParity, plain_specials_are_spelled_as_tiktoken_spells_them) {
  KOI_REQUIRE_GOLDEN("text/tokenizer/texts.json");
  KOI_REQUIRE_GOLDEN("text/tokenizer/tiktoken/encode.json");
  KOI_REQUIRE_GOLDEN("text/tokenizer/fish15/tokenizer.json");
  std::map<int64_t, std::string> pieces;
  std::istringstream lines(
      base::read_file(test::golden("text/tokenizer/tiktoken/tokenizer.tiktoken")));
  for (std::string token, rank; lines >> token >> rank;)
    pieces.emplace(std::stoll(rank), bytes_to_chars(from_base64(token)));
  const Tokenizer tokenizer = Tokenizer::load(test::golden("text/tokenizer/fish15"));
  const std::map<int64_t, std::string> texts = recorded_texts();
  size_t with_specials = 0;
  for (const Json& c : cases_of(test::golden("text/tokenizer/tiktoken/encode.json"))) {
    with_specials += c.contains("ids_plain") ? 1 : 0;
    std::vector<std::string> expected;
    for (const int64_t rank : c.contains("ids_plain") ? c.at("ids_plain") : c.at("ids"))
      expected.push_back(pieces.at(rank));
    std::vector<std::string> found;
    for (const int64_t id : tokenizer.encode(texts.at(c.at("id").get<int64_t>())))
      found.push_back(tokenizer.id_to_token(id).value());
    EXPECT_EQ(found, expected) << c;
  }
  EXPECT_GT(with_specials, 0U);
}

TEST(TokenizerParity, decodes_the_recorded_ids) {
  KOI_REQUIRE_GOLDEN(kFolder);
  for (const std::string& name : recorded_tokenizers("decode.json")) {
    const base::fs::path folder = test::golden(kFolder + name);
    const Tokenizer tokenizer = Tokenizer::load(folder);
    for (const Json& c : cases_of(folder / "decode.json")) {
      const Ids ids = c.at("ids").get<Ids>();
      EXPECT_EQ(tokenizer.decode(ids, DecodeSpecials::keep), c.at("dec").get<std::string>())
          << name << " " << c;
      EXPECT_EQ(tokenizer.decode(ids, DecodeSpecials::skip), c.at("dec_skip").get<std::string>())
          << name << " " << c;
    }
  }
}

TEST(TokenizerParity, knows_sizes_and_tokens) {
  KOI_REQUIRE_GOLDEN("text/tokenizer/summary.json");
  const Json summary = read_summary();
  for (const auto& [name, facts] : summary.items()) {
    if (!test::have_golden(kFolder + name)) continue;
    const base::fs::path folder = test::golden(kFolder + name);
    const Tokenizer tokenizer = Tokenizer::load(folder);
    EXPECT_EQ(tokenizer.vocab_size(), facts.at("vocab_size").get<int64_t>()) << name;
    EXPECT_THAT(tokenizer.eos_id(), Optional(facts.at("eos_token_id").get<int64_t>())) << name;
    EXPECT_THAT(tokenizer.pad_id(), Optional(facts.at("pad_token_id").get<int64_t>())) << name;
    // Where the reference's probe falls back to the unknown token, ours says that there is none.
    const Json model = test::read_json(folder / "tokenizer.json").at("model");
    const Json unknown = model.at("unk_token").is_null()
                             ? Json()
                             : model.at("vocab").at(model.at("unk_token").get<std::string>());
    for (const auto& [token, id] : facts.at("convert_tokens_to_ids").items()) {
      const auto found = tokenizer.token_to_id(token);
      EXPECT_EQ(found ? Json(*found) : unknown, id) << name << " " << token;
      if (!found) continue;
      EXPECT_THAT(tokenizer.id_to_token(*found), Optional(token)) << name;
    }
  }
}

// What both libraries refuse (a TypeError) is an error here too.
TEST(TokenizerParity, refuses_what_the_reference_refuses) {
  KOI_REQUIRE_GOLDEN("text/tokenizer/summary.json");
  const Json summary = read_summary();
  for (const auto& [name, facts] : summary.items()) {
    if (!test::have_golden(kFolder + name)) continue;
    const Tokenizer tokenizer = Tokenizer::load(test::golden(kFolder + name));
    ASSERT_FALSE(facts.at("refused").empty());
    for (const Json& refused : facts.at("refused")) {
      const std::string text = with_surrogates(refused.at("text").get<std::string>());
      EXPECT_THROW(tokenizer.encode(text), Error) << name << " " << refused;
    }
  }
}

TEST(TokenizerParity, tiny_checkpoint) {
  KOI_REQUIRE_GOLDEN("lm/tiny/tokenizer.json");
  KOI_REQUIRE_GOLDEN("lm/tiny/tokenizer_cases.json");
  const Tokenizer tokenizer = Tokenizer::load(test::golden("lm/tiny"));
  const Json cases = test::read_json(test::golden("lm/tiny/tokenizer_cases.json"));
  ASSERT_FALSE(cases.empty());
  for (const Json& c : cases) {
    EXPECT_EQ(tokenizer.encode(c.at("text").get<std::string>(), SpecialTokens::parse),
              c.at("ids").get<Ids>())
        << c;
  }
}

TEST(TokenizerParity, sampling_checkpoint) {
  KOI_REQUIRE_GOLDEN("data/sampling/tokenizer");
  KOI_REQUIRE_GOLDEN("data/sampling/tokenizer_facts.json");
  const Tokenizer tokenizer = Tokenizer::load(test::golden("data/sampling/tokenizer"));
  const Json facts = test::read_json(test::golden("data/sampling/tokenizer_facts.json"));
  EXPECT_EQ(tokenizer.vocab_size(), facts.at("vocab_size").get<int64_t>());
  EXPECT_THAT(tokenizer.eos_id(), Optional(facts.at("eos_token_id").get<int64_t>()));
  EXPECT_THAT(tokenizer.pad_id(), Optional(facts.at("pad_token_id").get<int64_t>()));
  ASSERT_FALSE(facts.at("ids").empty());
  for (const auto& [token, id] : facts.at("ids").items())
    EXPECT_EQ(tokenizer.require_id(token), id.get<int64_t>()) << token;
  ASSERT_FALSE(facts.at("encode").empty());
  for (const auto& [text, ids] : facts.at("encode").items())
    EXPECT_EQ(tokenizer.encode(text, SpecialTokens::parse), ids.get<Ids>()) << text;
}

}  // namespace
}  // namespace koi::text
