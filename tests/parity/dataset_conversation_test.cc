// Conversations against the reference (fish-speech v1.4.3, tokenizers 0.23.3). Integers are equal
// or wrong; there is no tolerance.
#include <gtest/gtest.h>

#include "koi/base/error.h"
#include "koi/dataset/conversation.h"
#include "tests/support/goldens.h"

namespace koi::dataset {
namespace {

using nlohmann::json;

Message message_of(const json& from) {
  Message message{from.at("role"),         {},
                  from.at("add_im_start"), from.at("add_im_end"),
                  from.at("cal_loss"),     from.at("ignore_im_start_loss")};
  for (const json& part : from.at("parts")) {
    if (part.contains("text")) {
      message.parts.emplace_back(part["text"].get<std::string>());
    } else {
      message.parts.emplace_back(part.at("codes").get<CodeRows>());
    }
  }
  return message;
}

json rows_of(const TokenMatrix& matrix) {
  json rows = json::array();
  for (int64_t row = 0; row < matrix.rows; ++row) {
    rows.push_back(json::array());
    for (int64_t column = 0; column < matrix.columns; ++column)
      rows.back().push_back(matrix.at(row, column));
  }
  return rows;
}

TEST(ConversationParity, TokensLabelsAndPrompts) {
  KOI_REQUIRE_GOLDEN("text/prompt/conversation.json");
  const json file = test::read_json(test::golden("text/prompt/conversation.json"));
  const auto tokenizer =
      text::Tokenizer::load(test::golden("text/" + file.at("tokenizer").get<std::string>()));
  ASSERT_FALSE(file.at("cases").empty());
  for (const json& expected : file["cases"]) {
    SCOPED_TRACE(expected.at("messages").dump());
    std::vector<Message> messages;
    for (const json& message : expected["messages"]) messages.push_back(message_of(message));
    const auto parse = text::SpecialTokens::parse;
    const EncodedConversation found = encode_conversation(messages, tokenizer, parse);
    EXPECT_EQ(json(found.tokens), expected.at("tokens"));
    EXPECT_EQ(json(found.labels), expected.at("labels"));
    json parts = json::array(), losses = json::array();
    for (const CodesPart& part : found.codes) {
      parts.push_back(part.codes);
      losses.push_back(part.require_loss);
    }
    EXPECT_EQ(parts, expected.at("vq_parts"));
    EXPECT_EQ(losses, expected.at("vq_require_losses"));
    const auto codebooks = static_cast<int64_t>(expected.at("inference").size()) - 1;
    EXPECT_EQ(rows_of(conversation_prompt(messages, codebooks, tokenizer, parse)),
              expected["inference"]);
    if (found.codes.empty()) continue;
    EXPECT_THROW(conversation_prompt(messages, codebooks + 1, tokenizer), Error);
    messages.push_back({"user", {CodeRows{{1, 2}, {3}}}});
    EXPECT_THROW(encode_conversation(messages, tokenizer), Error);
  }
}

}  // namespace
}  // namespace koi::dataset
