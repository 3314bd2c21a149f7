// Prompts and the window of a long text equal the reference's (fish-speech v1.4.3; how the data was
// made: text/prompt/README.md). Tolerance: none.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>

#include "koi/base/error.h"
#include "koi/speech/prompt.h"
#include "koi/text/split.h"
#include "tests/support/goldens.h"

namespace koi::speech {
namespace {

using testing::ElementsAreArray;

// The reference's text is encoded with its special tokens.
PromptOptions reference_options(int64_t num_codebooks) {
  // The reference does not look at the codes' size.
  return {.num_codebooks = num_codebooks,
          .codebook_size = int64_t{1} << 30,
          .specials = text::SpecialTokens::parse};
}

StoredCodes codes_of(const nlohmann::json& c) {
  const auto rows = c.at("codes").get<std::vector<std::vector<int32_t>>>();
  StoredCodes result;
  result.codes.codebooks = std::ssize(rows);
  result.codes.frames = std::ssize(rows.at(0));
  for (const auto& row : rows) {
    result.codes.values.insert(result.codes.values.end(), row.begin(), row.end());
  }
  result.wide = c.value("codes_dtype", "int64") == "int64";
  return result;
}

void expect_columns(const TokenColumns& found, const nlohmann::json& rows) {
  ASSERT_EQ(found.rows, std::ssize(rows));
  ASSERT_EQ(found.columns(), std::ssize(rows.at(0)));
  for (int64_t t = 0; t < found.columns(); ++t) {
    for (int64_t row = 0; row < found.rows; ++row) {
      const auto at = static_cast<size_t>(row);
      ASSERT_EQ(found.column(t)[at], rows.at(at).at(static_cast<size_t>(t)).get<int32_t>())
          << "row " << row << ", column " << t;
    }
  }
}

TEST(PromptParity, EncodeTokens) {
  KOI_REQUIRE_GOLDEN("text/prompt/encode_tokens.json");
  const nlohmann::json golden = test::read_json(test::golden("text/prompt/encode_tokens.json"));
  const auto tokenizer =
      text::Tokenizer::load(test::golden("text/" + golden.at("tokenizer").get<std::string>()));
  ASSERT_FALSE(golden.at("cases").empty());
  for (const nlohmann::json& c : golden.at("cases")) {
    const std::string text = c.at("text");
    SCOPED_TRACE(text);
    const int64_t num_codebooks = c.at("num_codebooks");
    StoredCodes codes;
    if (c.contains("codes")) codes = codes_of(c);
    const auto encode = [&] {
      return encode_tokens(tokenizer, text, c.contains("codes") ? &codes : nullptr,
                           reference_options(num_codebooks));
    };
    if (!c.contains("error")) {
      const TokenColumns found = encode();
      expect_columns(found, c.at("out"));
      EXPECT_EQ(found.wide, c.at("dtype") == "int64");
    } else if (codes.codes.codebooks < num_codebooks) {
      EXPECT_THROW(encode(), Error);
    } else {
      // A type that torch cannot add to; here it is read like any other.
      EXPECT_EQ(
          encode().columns(),
          codes.codes.frames + 1 +
              encode_tokens(tokenizer, text, nullptr, reference_options(num_codebooks)).columns());
    }
  }
}

// The matrix of a recorded prompt: one text, or a spoken one with its codes and another one.
TokenColumns prompt_of(const text::Tokenizer& tokenizer, const nlohmann::json& texts,
                       const StoredCodes* codes, const PromptOptions& options) {
  const std::string first = texts.is_array() ? texts.at(0) : texts;
  TokenColumns prompt = encode_tokens(tokenizer, first, codes, options);
  if (texts.is_array())
    prompt.append(encode_tokens(tokenizer, texts.at(1).get<std::string>(), nullptr, options));
  return prompt;
}

TEST(PromptParity, PromptFiles) {
  KOI_REQUIRE_GOLDEN("lm/tiny/tokenizer.json");
  KOI_REQUIRE_GOLDEN("lm/generate/generate.json");
  const nlohmann::json golden = test::read_json(test::golden("lm/generate/generate.json"));
  if (!test::has_part(golden, "texts")) return;
  const auto tokenizer = text::Tokenizer::load(test::golden("lm/tiny"));
  for (const auto& [name, texts] : golden["texts"].items()) {
    SCOPED_TRACE(name);
    const std::string file = "lm/generate/prompt_" + name + ".npy";
    if (!test::have_golden(file)) continue;
    const StoredCodes expected = read_stored_codes(test::golden(file));
    const PromptOptions options = reference_options(expected.codes.codebooks - 1);
    EXPECT_EQ(golden.at("prompt_dtypes").at(name), expected.wide ? "torch.int64" : "torch.int32");
    const auto equals = [&](const StoredCodes* codes) {
      const TokenColumns found = prompt_of(tokenizer, texts, codes, options);
      if (found.columns() != expected.codes.frames || found.wide != expected.wide) return false;
      for (int64_t t = 0; t < found.columns(); ++t) {
        for (int64_t row = 0; row < found.rows; ++row) {
          if (found.column(t)[static_cast<size_t>(row)] != expected.codes.at(row, t)) return false;
        }
      }
      return true;
    };
    if (!expected.wide) {
      EXPECT_TRUE(equals(nullptr));
      continue;
    }
    // Which of the recorded voices spoke is not said: one of them gives the prompt.
    int equal = 0;
    for (const auto& voice : test::find_goldens("lm/generate", R"(reference_codes.*\.npy)")) {
      const StoredCodes codes = read_stored_codes(test::golden("lm/generate/" + voice.name));
      if (equals(&codes)) ++equal;
    }
    EXPECT_EQ(equal, 1);
  }
}

// Plays a long text with `generated` columns a segment and compares which pieces each prompt has.
TEST(PromptParity, ContextWindow) {
  KOI_REQUIRE_GOLDEN("text/prompt/context_window.json");
  const nlohmann::json golden = test::read_json(test::golden("text/prompt/context_window.json"));
  ASSERT_FALSE(golden.at("cases").empty());
  for (size_t index = 0; index < golden.at("cases").size(); ++index) {
    SCOPED_TRACE("case " + std::to_string(index));
    const nlohmann::json& c = golden.at("cases").at(index);
    const auto lengths = c.at("piece_lengths").get<std::map<std::string, int64_t>>();
    std::vector<std::string> samples;
    for (const nlohmann::json& sample : c.at("samples")) samples.push_back(sample.at("text"));
    EXPECT_THAT(text::split_text(c.at("text").get<std::string>(), c.at("chunk_length")),
                ElementsAreArray(samples));

    std::vector<std::string> references;
    int64_t reference_columns = 0;
    for (size_t i = 0; i < c.at("references").size(); ++i) {
      references.push_back("R" + std::to_string(i));
      reference_columns += lengths.at(references.back());
    }
    const int64_t budget = c.at("max_length").get<int64_t>() - 1024 - reference_columns;
    std::vector<std::string> history;
    std::vector<int64_t> history_lengths;
    ASSERT_EQ(c.at("prompts").size(), samples.size());
    for (size_t i = 0; i < samples.size(); ++i) {
      history.push_back("S" + std::to_string(i));
      history_lengths.push_back(lengths.at(history.back()));
      std::vector<std::string> prompt = references;
      int64_t columns = reference_columns;
      for (const size_t piece : context_window(history_lengths, budget)) {
        prompt.push_back(history.at(piece));
        columns += history_lengths.at(piece);
      }
      EXPECT_THAT(prompt, ElementsAreArray(c.at("prompts").at(i).get<std::vector<std::string>>()));
      EXPECT_EQ(columns, c.at("prompt_lengths").at(i).get<int64_t>());
      history.push_back("G" + std::to_string(i));
      history_lengths.push_back(c.at("generated").at(i));
    }
  }
}

}  // namespace
}  // namespace koi::speech
